/* Many cells in step: Rodas4 with a cell in each lane of the vectors.

   The method is Rodas4 of E. Hairer and G. Wanner, Solving Ordinary Differential Equations
   II (2nd ed. 1996), IV.7, VI.4 (stiffly accurate, order 4(3), L-stable, for index-1 DAE)
   with the coefficients of their code RODAS:

       (M/(gamma h) - J) k_i = f(y + sum a_ij k_j) + M/h sum c_ij k_j

   Every lane has its own time, step and end.  An end is found by repeating the step that
   passes it with a step between (Illinois' regula falsi), so that it lies on a solution
   and on no interpolant.  A lane that is done takes the next cell.

   What stands before this text is written for one model (emit.py): N states of which the
   first ND are differential, P inputs of which GIVEN are given and the others follow
   from them, and

       model(y, p, f), slope(y, p, f, a), ends(y, p, e), within(z, p)   the equations
       shown_(y, p, o), voltage_(y, p, v)                               what is looked at
       factor(a, g), solve(a, b)                                        of g M - J
       combined(p, p, q)                                                the other inputs

   Arithmetic is lane by lane: what comes out does not depend on a cell's neighbours. */

static const double GAMMA = 0.25, LIMITS[2] = {0.2, 6.0}, SAFETY = 0.9;
static const double A[5][4] = {
    {1.544},
    {0.9466785280815826, 0.2557011698983284},
    {3.314825187068521, 2.896124015972201, 0.9986419139977817},
    {1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950}};
static const double C[5][5] = {
    {-5.6688},
    {-2.430093356833875, -0.2063599157091915},
    {-0.1073529058151375, -9.594562251023355, -20.47028614809616},
    {7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160},
    {8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136,
     -6.058818238834054}};
/* Of the solution within a step, order 3 */
static const double D[2][5] = {
    {10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823,
     1.025137723295662},
    {-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386,
     -6.594389125716872}};

enum { FAILED = -1, TIME, EVENT, INSIDE, AT_ONCE, AGAIN, ON };
enum { MOST_STEPS = 20000, NEWTON = 30, LOOKS = 8, MOST_POINTS = 30 };
static const double ROOT = 1e-11, NARROW = 1e-13, LEAST = 1e-18, CONSISTENT = 1e-10;

typedef struct { V y[N], p[P], f[N], new[N], k[6][N], w[N], a[NA], e[ENDS]; } Cells;

/* One step of every lane, from y with f(y) and J in f and a; its error over tolerances */
static V step(Cells *c, V h, double rtol, const double *atol)
{
    V g = 1 / h;
    factor(c->a, g / GAMMA);
    for (int i = 0; i < N; i++) c->k[0][i] = c->f[i];
    solve(c->a, c->k[0]);
    for (int s = 1; s < 6; s++) {
        for (int i = 0; i < N; i++) {
            V w = s < 5 ? c->y[i] : c->w[i] + c->k[4][i];
            if (s < 5) for (int j = 0; j < s; j++) w += A[s - 1][j] * c->k[j][i];
            c->w[i] = w;
        }
        model(c->w, c->p, c->k[s]);
        for (int i = 0; i < ND; i++) {
            V sum = C[s - 1][0] * c->k[0][i];
            for (int j = 1; j < s; j++) sum += C[s - 1][j] * c->k[j][i];
            c->k[s][i] += g * sum;
        }
        solve(c->a, c->k[s]);
    }
    V sum = same(0);
    for (int i = 0; i < N; i++) {
        c->new[i] = c->w[i] + c->k[5][i];
        V e = c->k[5][i] / (atol[i] + rtol * larger(size(c->y[i]), size(c->new[i])));
        sum += e * e;
    }
    return vsqrt(sum / N);
}

/* A state within a step: (1 - s) y + s (new + (1 - s) (d[0] + s d[1])) */
static void dense(const Cells *c, int i, V *d)
{
    for (int r = 0; r < 2; r++) {
        d[r] = D[r][0] * c->k[0][i];
        for (int j = 1; j < 5; j++) d[r] += D[r][j] * c->k[j][i];
    }
}

/* The least of what is looked at within a step, and where */
static void look(const Cells *c, V *least, V *where)
{
    V z[N];
    *least = same(1); *where = same(1);
    for (int l = 1; l < LOOKS; l++) {
        double s = (double)l / LOOKS;
        for (int m = 0; m < WATCHED; m++) {
            int i = watched[m];
            V d[2];
            dense(c, i, d);
            z[i] = (1 - s) * c->y[i] + s * (c->new[i] + (1 - s) * (d[0] + s * d[1]));
        }
        V room = within(z, c->p);
        I first = (room < 0) & (*least >= 0);
        *least = pick(first, room, *least);
        *where = pick(first, same(s), *where);
    }
}

/* Algebraic states that belong to the differential ones of the lanes that begin: Newton's
   method.  Returns the lanes in which it did not converge. */
static I consistent(Cells *c, I fresh)
{
    I wrong = fresh & ~fresh;
    for (int n = 0; n <= NEWTON; n++) {
        slope(c->y, c->p, c->f, c->a);
        wrong = fresh & ~fresh;
        for (int i = ND; i < N; i++) wrong |= fresh & ~(size(c->f[i]) < CONSISTENT);
        if (n == NEWTON || !any(wrong)) break;
        factor(c->a, same(1e30));
        for (int i = 0; i < N; i++) c->k[0][i] = i < ND ? same(0) : c->f[i];
        solve(c->a, c->k[0]);
        for (int i = ND; i < N; i++)
            c->y[i] = pick(wrong, c->y[i] + c->k[0][i], c->y[i]);
    }
    return wrong;
}

/* What a lane is at: its cell (-1 for none), time, step, and once a step passed an end,
   the steps between which that lies, with the room that is left at each */
typedef struct {
    long cell;
    int steps, bracketed, failed;
    double t, h, room, stray, low, high, at_low, at_high;
} Lane;

static double between(const Lane *x)
{
    double h = x->low + (x->high - x->low) * x->at_low / (x->at_low - x->at_high);
    return h > x->low && h < x->high ? h : (x->low + x->high) / 2;
}

/* What becomes of a lane after a step with this error, that leaves this room */
static int judged(Lane *x, double error, double room, double least, double where)
{
    if (x->failed || x->steps++ > MOST_STEPS || !(x->h > LEAST)) return FAILED;
    if (x->bracketed) { /* Illinois: the end that stays twice counts half */
        if (fabs(room) < ROOT || x->high - x->low < NARROW * (x->t + x->high))
            return EVENT;
        if (room > 0) {
            x->low = x->h, x->at_low = room;
            if (x->bracketed == 2) x->at_high /= 2;
            x->bracketed = 2;
        } else {
            x->high = x->h, x->at_high = room;
            if (x->bracketed == 3) x->at_low /= 2;
            x->bracketed = 3;
        }
        x->h = between(x);
        return AGAIN;
    }
    double factor = SAFETY / sqrt(sqrt(error + 1e-30));
    if (!(error < 1) || room != room) {
        x->h *= factor > LIMITS[0] && factor < SAFETY ? factor : LIMITS[0];
        return AGAIN;
    }
    if (room > 0) {
        if (least < 0) { /* an end lies within the step */
            x->h *= where;
            return AGAIN;
        }
        x->t += x->h, x->room = room;
        if (x->t >= 1) return TIME;
        x->h *= factor < LIMITS[1] ? factor : LIMITS[1];
        if (x->t + x->h > 1 - 1e-3 * x->h) x->h = 1 - x->t;
        return ON;
    }
    if (!(x->room > 0)) return AT_ONCE;
    x->bracketed = 1, x->low = 0, x->at_low = x->room, x->high = x->h, x->at_high = room;
    x->h = between(x);
    return AGAIN;
}

static void load(Cells *c, Lane *lanes, int l, long cell, const double *y0, const double *p)
{
    lanes[l] = (Lane){.cell = cell, .h = 1};
    for (int i = 0; i < N; i++) c->y[i][l] = y0[cell * N + i];
    for (int j = 0; j < P; j++) c->p[j][l] = p[cell * P + j];
}

/* Consistent states and a first step for the lanes that begin (II.4 of Hairer, Norsett,
   Wanner, simplified) */
static void begin(Cells *c, Lane *lanes, I fresh, double rtol, const double *atol)
{
    I wrong = consistent(c, fresh);
    V large = same(0), fast = same(0);
    for (int i = 0; i < ND; i++) {
        V scale = atol[i] + rtol * size(c->y[i]), y = c->y[i] / scale, f = c->f[i] / scale;
        large += y * y;
        fast += f * f;
    }
    V h = 0.01 * vsqrt(large / (fast + 1e-300));
    ends(c->y, c->p, c->e);
    V room = lesser(c->e[0], c->e[1]);
    for (int l = 0; l < W; l++) {
        if (!fresh[l]) continue;
        lanes[l].h = h[l] < 1 ? h[l] : 1;
        lanes[l].room = room[l];
        lanes[l].failed = !!wrong[l];
    }
}

/* Points of curves as rows: number of the cell, time, voltage, states; of what there is no
   room for only the number of rows is kept */
typedef struct { double bend; long room, count; double *rows; } Curve;

static void point(Curve *to, long cell, double t, int l, const V *z, const V *v)
{
    if (to->count < to->room) {
        double *row = to->rows + to->count * (N + 3);
        row[0] = cell, row[1] = t, row[2] = (*v)[l];
        for (int i = 0; i < N; i++) row[3 + i] = z[i][l];
    }
    to->count++;
}

/* The points of the lanes whose step is accepted: its end, and as many within it that
   straight lines between them miss what is watched by less than the bend */
static void draw(Curve *to, const Cells *c, const Lane *lanes, I accepted, V t, V h)
{
    V d[N][2], z[N], v;
    int most = 0, each[W];
    for (int i = 0; i < N; i++) dense(c, i, d[i]);
    for (int l = 0; l < W; l++) {
        double second = 0; /* the largest of the second derivative, h^2 y'' */
        for (int m = 0; m < WATCHED; m++) {
            const V *w = d[watched[m]];
            double low = fabs(w[1][l] - w[0][l]), high = fabs(2 * w[1][l] + w[0][l]);
            second = fmax(second, 2 * fmax(low, high));
        }
        double n = sqrt(second / (8 * to->bend));
        each[l] = n < MOST_POINTS ? (int)n + 1 : MOST_POINTS;
        if (accepted[l] && each[l] > most) most = each[l];
    }
    for (int m = 1; m <= most; m++) {
        V s;
        for (int l = 0; l < W; l++) s[l] = (double)m / each[l];
        for (int i = 0; i < N; i++)
            z[i] = (1 - s) * c->y[i] + s * (c->new[i] + (1 - s) * (d[i][0] + s * d[i][1]));
        voltage_(z, c->p, &v);
        for (int l = 0; l < W; l++)
            if (accepted[l] && m <= each[l])
                point(to, lanes[l].cell, t[l] + s[l] * h[l], l, z, &v);
    }
}

/* Cells y0 (count, N) with inputs p (count, P), from time 0 to 1 or an end.  Out: y1, the
   time, how it ended, how far a held voltage strayed, and how many steps it took; curves
   where there is a place for them. */
void run(long count, const double *y0, const double *p, double rtol, const double *atol,
         double *y1, double *t1, int *ended, double *strayed, int *steps, Curve *curve)
{
    Cells cells, *c = &cells;
    Lane lanes[W];
    I fresh = {0};
    long next = 0, left = count;
    if (!count) return;
    for (int l = 0; l < W; l++) {
        load(c, lanes, l, next < count ? next : 0, y0, p);
        if (next++ < count) fresh[l] = -1;
        else lanes[l].cell = -1; /* computes along, in vain */
    }
    while (left) {
        if (any(fresh)) begin(c, lanes, fresh, rtol, atol);
        if (curve && any(fresh)) {
            V v;
            voltage_(c->y, c->p, &v);
            for (int l = 0; l < W; l++)
                if (fresh[l]) point(curve, lanes[l].cell, 0, l, c->y, &v);
        }
        fresh ^= fresh;
        slope(c->y, c->p, c->f, c->a);
        V t, h, least, where;
        for (int l = 0; l < W; l++) t[l] = lanes[l].t, h[l] = lanes[l].h;
        V error = step(c, h, rtol, atol);
        ends(c->new, c->p, c->e);
        V room = lesser(c->e[0], c->e[1]);
        look(c, &least, &where);
        I accepted = {0};
        int what[W];
        for (int l = 0; l < W; l++) {
            what[l] = AGAIN;
            if (lanes[l].cell < 0) continue;
            what[l] = judged(&lanes[l], error[l], room[l], least[l], where[l]);
            if (what[l] == AGAIN || what[l] == FAILED || what[l] == AT_ONCE) continue;
            accepted[l] = -1;
            if (c->e[2][l] > lanes[l].stray) lanes[l].stray = c->e[2][l];
        }
        if (curve && any(accepted)) draw(curve, c, lanes, accepted, t, h);
        for (int i = 0; i < N; i++) c->y[i] = pick(accepted, c->new[i], c->y[i]);
        for (int l = 0; l < W; l++) {
            Lane *x = &lanes[l];
            long k = x->cell;
            if (what[l] == AGAIN || what[l] == ON) continue;
            for (int i = 0; i < N; i++) y1[k * N + i] = c->y[i][l];
            t1[k] = what[l] == TIME ? 1 : what[l] == EVENT ? x->t + x->h : x->t;
            ended[k] = what[l] == AT_ONCE ? EVENT : what[l];
            if (ended[k] == EVENT && c->e[1][l] < c->e[0][l]) ended[k] = INSIDE;
            strayed[k] = x->stray, steps[k] = x->steps, left--;
            x->cell = -1;
            if (next < count) {
                load(c, lanes, l, next++, y0, p);
                fresh[l] = -1;
            }
        }
    }
}

/* What is shown of states y (count, N) with the inputs of cells, p (cells, P), to shown
   (M, count) */
const int STATES = N, INPUTS = GIVEN, WHOLE = P, SHOWN = M, LANES = W;
void show(long count, const double *y, const double *p, const long *cell, double *shown)
{
    V a[N], b[P], o[M];
    for (long first = 0; first < count; first += W) {
        for (int l = 0; l < W; l++) {
            long k = first + l < count ? first + l : first;
            for (int i = 0; i < N; i++) a[i][l] = y[k * N + i];
            for (int j = 0; j < P; j++) b[j][l] = p[cell[k] * P + j];
        }
        shown_(a, b, o);
        for (int l = 0; l < W && first + l < count; l++)
            for (int m = 0; m < M; m++) shown[m * count + first + l] = o[m][l];
    }
}

/* All inputs q (count, P) of those that are given, p (count, GIVEN) */
void whole(long count, const double *p, double *q)
{
    V a[P];
    for (long first = 0; first < count; first += W) {
        for (int l = 0; l < W; l++) {
            long k = first + l < count ? first + l : first;
            for (int j = 0; j < GIVEN; j++) a[j][l] = p[k * GIVEN + j];
        }
        combined(a, a, a + GIVEN);
        for (int l = 0; l < W && first + l < count; l++)
            for (int j = 0; j < P; j++) q[(first + l) * P + j] = a[j][l];
    }
}
