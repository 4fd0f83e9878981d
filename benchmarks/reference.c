/* The problem of problem.py in C: what one core can do without a general-purpose solver.

   Even finite volumes; the surface from the quadratic through two volumes and the known
   flux; Rodas4, a Rosenbrock method of order 4(3) with its step from the error (Hairer &
   Wanner, Solving Ordinary Differential Equations II, sect. IV.7 and VI.4); the Jacobian
   is factored anew at every step, as a D(x) would ask for, and tridiagonal systems are
   eliminated from both ends at once, so that two chains of dependent products share the
   core (with -DONE_END from one end, as is usual).  A step of the cell ends where a re-solved last step meets its cut-off: no
   interpolation.

   With -DFALL=k -DAT_HALF=a, for discharges alone, D(x) = D a exp(-k (x - 1/2)): the flux
   is that of psi(x), the integral of D(x)/D, and what is solved for in a stage of Rodas4 is
   D(x)/D times its k, whose system is symmetric. */

#include <math.h>
#include <string.h>

#define MAX_VOLUMES 4096
#define FOR for (int i = 0; i < n; i++)

enum { CURRENT, VOLTAGE };

typedef struct {
    double L, D, c_sites, R_electrolyte, i0_cathode, i0_lithium, x_start, F, RT_F;
} Cell;

typedef struct {
    const Cell *cell;
    int n, control;
    double i, V;       /* current density, held voltage */
    double rate;       /* D/h^2 */
    double source;     /* dx/dt of the first volume per current density */
    double lift;       /* surface stoichiometry per current density */
    double di_dx;      /* of a held voltage: current over extrapolated stoichiometry */
} Step;

static double clamp(double x)
{
    return x < 1e-12 ? 1e-12 : x > 1 - 1e-12 ? 1 - 1e-12 : x;
}

/* V(x_s, i) and its derivatives */
static double voltage(const Cell *c, double x, double i, double *dV_dx, double *dV_di)
{
    x = clamp(x);
    double root = sqrt(x * (1 - x)), steep = 1.5 * exp((x - 1) / 0.02);
    double p = 4 * c->i0_cathode * root, n = 2 * c->i0_lithium;
    double dp = 2 * c->i0_cathode * (1 - 2 * x) / root;
    double hp = sqrt(i * i + p * p), hn = sqrt(i * i + n * n), two = 2 * c->RT_F;
    *dV_dx = -0.5 - steep / 0.02 + two * i * dp / (p * hp);
    *dV_di = -two / hp - c->R_electrolyte - two / hn;
    return 4.4 - 0.5 * x - steep - two * asinh(i / p) - i * c->R_electrolyte
           - two * asinh(i / n);
}

#ifdef FALL
static double psi(double x) { return -AT_HALF / FALL * exp(-FALL * (x - 0.5)); }
static double stoichiometry(double q) { return 0.5 - log(-FALL / AT_HALF * q) / FALL; }
#else
static double psi(double x) { return x; }
static double stoichiometry(double q) { return q; }
#endif

static double extrapolated(const double *x) { return (9 * psi(x[0]) - psi(x[1])) / 8; }

/* Current that holds s->V */
static double held_current(Step *s, double x)
{
    double i = s->i, dV_dx, dV_di;
    for (int k = 0; k < 50; k++) {
        double miss = s->V - voltage(s->cell, x + s->lift * i, i, &dV_dx, &dV_di);
        double change = miss / (dV_di + s->lift * dV_dx);
        i += change;
        if (fabs(change) <= 1e-11 * (1 + fabs(i))) break;
    }
    s->di_dx = -dV_dx / (dV_di + s->lift * dV_dx);
    return i;
}

static void derivative(Step *s, const double *restrict x, double *restrict f)
{
    const int n = s->n;
    const double r = s->rate;
    if (s->control == VOLTAGE) s->i = held_current(s, extrapolated(x));
#ifdef FALL
    static double q[MAX_VOLUMES];
    FOR q[i] = psi(x[i]);
#else
    const double *restrict q = x;
#endif
    f[0] = r * (q[1] - q[0]) + s->source * s->i;
    for (int i = 1; i < n - 1; i++) f[i] = r * (q[i - 1] - 2 * q[i] + q[i + 1]);
    f[n - 1] = r * (q[n - 2] - q[n - 1]);
}

/* (shift - Jacobian) x = b: b[i] is scaled by inverse[i], then neighbours are coupled */
static double inverse[MAX_VOLUMES], couple[MAX_VOLUMES];
#ifdef FALL
static double over[MAX_VOLUMES]; /* D/D(x) */
#define SHIFT(i) (shift * over[i])
#else
#define SHIFT(i) shift
#endif

static void factor_first(const Step *s, double shift)
{
    double first = SHIFT(0) + s->rate, off = s->rate;
    if (s->control == VOLTAGE) {
        first -= s->source * s->di_dx * 9 / 8;
        off -= s->source * s->di_dx / 8;
    }
    inverse[0] = 1 / first;
    couple[0] = off * inverse[0];
}

#ifdef ONE_END

static void factor(const Step *s, double shift)
{
    const int n = s->n;
    const double r = s->rate;
    factor_first(s, shift);
    for (int i = 1; i < n; i++) {
        inverse[i] = 1 / (SHIFT(i) + (i == n - 1 ? r : 2 * r) - r * couple[i - 1]);
        couple[i] = r * inverse[i];
    }
}

static void solve(const Step *s, double *restrict b)
{
    const int n = s->n;
    FOR b[i] *= inverse[i];
    double last = b[0];
    for (int i = 1; i < n; i++) b[i] = last = b[i] + couple[i] * last;
    for (int i = n - 2; i >= 0; i--) b[i] = last = b[i] + couple[i] * last;
#ifdef FALL
    FOR b[i] *= over[i];
#endif
}

#else

static double middle;

static void factor(const Step *s, double shift)
{
    const int n = s->n, m = n / 2;
    const double r = s->rate;
    factor_first(s, shift);
    inverse[n - 1] = 1 / (SHIFT(n - 1) + r);
    couple[n - 1] = r * inverse[n - 1];
    for (int i = 1, j = n - 2; i < m || j >= m; i++, j--) {
        if (i < m) {
            inverse[i] = 1 / (SHIFT(i) + 2 * r - r * couple[i - 1]);
            couple[i] = r * inverse[i];
        }
        if (j >= m) {
            inverse[j] = 1 / (SHIFT(j) + 2 * r - r * couple[j + 1]);
            couple[j] = r * inverse[j];
        }
    }
    middle = 1 / (1 - couple[m - 1] * couple[m]);
}

static void solve(const Step *s, double *restrict b)
{
    const int n = s->n, m = n / 2, odd = n % 2;
    FOR b[i] *= inverse[i];
    double up = b[0], down = b[n - 1];
    if (odd) b[n - 2] = down = b[n - 2] + couple[n - 2] * down;
    for (int i = 1, j = n - 2 - odd; i < m; i++, j--) {
        b[i] = up = b[i] + couple[i] * up;
        b[j] = down = b[j] + couple[j] * down;
    }
    b[m] = down = (down + couple[m] * up) * middle;
    b[m - 1] = up = up + couple[m - 1] * down;
    for (int i = m - 2, j = m + 1; i >= 0; i--, j++) {
        b[i] = up = b[i] + couple[i] * up;
        b[j] = down = b[j] + couple[j] * down;
    }
    if (odd) b[n - 1] += couple[n - 1] * down;
#ifdef FALL
    FOR b[i] *= over[i];
#endif
}

#endif

static const double GAMMA = 0.25, A21 = 1.544,
    A31 = 0.9466785280815826, A32 = 0.2557011698983284,
    A41 = 3.314825187068521, A42 = 2.896124015972201, A43 = 0.9986419139977817,
    A51 = 1.221224509226641, A52 = 6.019134481288629, A53 = 12.53708332932087,
    A54 = -0.6878860361058950,
    C21 = -5.6688, C31 = -2.430093356833875, C32 = -0.2063599157091915,
    C41 = -0.1073529058151375, C42 = -9.594562251023355, C43 = -20.47028614809616,
    C51 = 7.496443313967647, C52 = -10.24680431464352, C53 = -33.99990352819905,
    C54 = 11.70890893206160,
    C61 = 8.083246795921522, C62 = -7.981132988064893, C63 = -31.52159432874371,
    C64 = 16.31930543123136, C65 = -6.058818238834054;

static double k1[MAX_VOLUMES], k2[MAX_VOLUMES], k3[MAX_VOLUMES], k4[MAX_VOLUMES],
    k5[MAX_VOLUMES], k6[MAX_VOLUMES], w[MAX_VOLUMES], y[MAX_VOLUMES];

/* One step of h from x, where dx/dt = f, into y; its error over the tolerance */
static double rodas4(Step *s, const double *x, const double *f, double h, double rtol,
                     double atol)
{
    const int n = s->n;
    const double g = 1 / h;
#ifdef FALL
    FOR over[i] = exp(FALL * (x[i] - 0.5)) / AT_HALF;
#endif
    factor(s, g / GAMMA);
    memcpy(k1, f, n * sizeof(double));
    solve(s, k1);
    FOR w[i] = x[i] + A21 * k1[i];
    derivative(s, w, k2);
    FOR k2[i] += g * C21 * k1[i];
    solve(s, k2);
    FOR w[i] = x[i] + A31 * k1[i] + A32 * k2[i];
    derivative(s, w, k3);
    FOR k3[i] += g * (C31 * k1[i] + C32 * k2[i]);
    solve(s, k3);
    FOR w[i] = x[i] + A41 * k1[i] + A42 * k2[i] + A43 * k3[i];
    derivative(s, w, k4);
    FOR k4[i] += g * (C41 * k1[i] + C42 * k2[i] + C43 * k3[i]);
    solve(s, k4);
    FOR w[i] = x[i] + A51 * k1[i] + A52 * k2[i] + A53 * k3[i] + A54 * k4[i];
    derivative(s, w, k5);
    FOR k5[i] += g * (C51 * k1[i] + C52 * k2[i] + C53 * k3[i] + C54 * k4[i]);
    solve(s, k5);
    FOR w[i] += k5[i];
    derivative(s, w, k6);
    FOR k6[i] += g * (C61 * k1[i] + C62 * k2[i] + C63 * k3[i] + C64 * k4[i]
                      + C65 * k5[i]);
    solve(s, k6);
    double sum = 0;
    FOR {
        y[i] = w[i] + k6[i];
        double size = fabs(x[i]) > fabs(y[i]) ? fabs(x[i]) : fabs(y[i]);
        double e = k6[i] / (atol + rtol * size);
        sum += e * e;
    }
    return sqrt(sum / n);
}

/* Above 0 until the cut-off: psi of the surface, or a current that has decayed */
static double left(Step *s, const double *x, double x_end, double i_end)
{
    if (s->control == VOLTAGE) return fabs(held_current(s, extrapolated(x))) - i_end;
    double gap = x_end - extrapolated(x) - s->lift * s->i;
    return s->i > 0 ? gap : -gap;
}

/* The surface stoichiometry at which a constant current meets a voltage */
static double surface_at(const Cell *c, double i, double V)
{
    double low = 1e-12, high = 1 - 1e-12, x = 0.5, dV_dx, dV_di;
    for (int k = 0; k < 200; k++) {
        double miss = voltage(c, x, i, &dV_dx, &dV_di) - V;
        if (fabs(miss) < 1e-13) break;
        if (miss > 0) low = x; else high = x;
        x -= miss / dV_dx;
        if (!(x > low && x < high)) x = (low + high) / 2;
    }
    return x;
}

/* One step of the cell from x, to its end; the time it took, below 0 if it failed.
   Samples t, V at the solver's steps, where t is given; their number in *samples. */
static double run(const Cell *c, int n, int control, double i, double V, double i_end,
                  double rtol, double atol, double *x, double *t_out, double *V_out,
                  int room, int *samples)
{
    static double f[MAX_VOLUMES];
    double h = c->L / n, t = 0, dV_dx, dV_di, x_end = 0;
    Step s = {c, n, control, i, V, c->D / (h * h), 1 / (c->F * c->c_sites * h),
              0.375 * h / (c->F * c->c_sites * c->D), 0};
    int count = 0;
    if (control == CURRENT) x_end = psi(surface_at(c, i, V));
    double before = left(&s, x, x_end, i_end);
    if (samples) *samples = 0;
    if (before <= 0) return 0;
    derivative(&s, x, f);
    double a = 0, b = 0;
    FOR {
        double scale = atol + rtol * fabs(x[i]);
        a += x[i] * x[i] / (scale * scale);
        b += f[i] * f[i] / (scale * scale);
    }
    double dt = 0.01 * sqrt(a / b);
    for (int k = 0; k < 100000; k++) {
        double di_dx = s.di_dx, i_now = s.i;
        double e = rodas4(&s, x, f, dt, rtol, atol);
        if (!(e < 1)) {
            dt *= e < 1e6 ? fmax(0.1, 0.9 / sqrt(sqrt(e))) : 0.1;
            s.di_dx = di_dx;
            s.i = i_now;
            if (dt < 1e-14) return -1;
            continue;
        }
        double after = left(&s, y, x_end, i_end);
        int end = after <= 0;
        if (end) { /* secant, then bisection of the last step's length (Illinois) */
            double low = 0, high = dt, g_low = before, g_high = after;
            for (int q = 0, side = 0; q < 60; q++) {
                dt = low + (high - low) * g_low / (g_low - g_high);
                s.di_dx = di_dx;
                s.i = i_now;
                rodas4(&s, x, f, dt, rtol, atol);
                double g = left(&s, y, x_end, i_end);
                if (fabs(g) < 1e-11 || high - low < 1e-12 * (t + dt)) break;
                if (g > 0) {
                    low = dt, g_low = g;
                    if (side == 1) g_high /= 2;
                    side = 1;
                } else {
                    high = dt, g_high = g;
                    if (side == -1) g_low /= 2;
                    side = -1;
                }
            }
        }
        memcpy(x, y, n * sizeof(double));
        t += dt;
        if (t_out && count < room) {
            double x_s = stoichiometry(extrapolated(x) + s.lift * s.i);
            t_out[count] = t;
            V_out[count++] = voltage(c, x_s, s.i, &dV_dx, &dV_di);
            *samples = count;
        }
        if (end) return t;
        before = after;
        derivative(&s, x, f);
        dt *= fmin(6, fmax(0.2, 0.9 / sqrt(sqrt(e + 1e-30))));
    }
    return -1;
}

/* Discharge from the start to a voltage: its time [s] */
double discharge(const Cell *c, double i, double V, int n, double rtol, double atol,
                 double *t_out, double *V_out, int room, int *samples)
{
    double x[MAX_VOLUMES];
    FOR x[i] = c->x_start;
    return run(c, n, CURRENT, i, V, 0, rtol, atol, x, t_out, V_out, room, samples);
}

/* Discharges of many thicknesses, each at its current density: their times [s] */
void sweep(const Cell *base, int points, const double *L, const double *i, double V,
           int n, double rtol, double atol, double *t)
{
    for (int k = 0; k < points; k++) {
        Cell c = *base;
        c.L = L[k];
        t[k] = discharge(&c, i[k], V, n, rtol, atol, 0, 0, 0, 0);
    }
}

static double mean(const double *x, int n)
{
    double sum = 0;
    FOR sum += x[i];
    return sum / n;
}

/* Charge at -i to upper, hold there until i_end, discharge at i to lower, again and
   again; before that one discharge.  Into charges[3*cycle]: the charge of each step,
   C/m2.  The number of cycles done. */
int cycles(const Cell *c, int number, double i, double lower, double upper, double i_end,
           int n, double rtol, double atol, double *charges)
{
    double x[MAX_VOLUMES], sites = c->F * c->c_sites * c->L;
    FOR x[i] = c->x_start;
    if (run(c, n, CURRENT, i, lower, 0, rtol, atol, x, 0, 0, 0, 0) < 0) return 0;
    for (int k = 0; k < number; k++, charges += 3) {
        double t = run(c, n, CURRENT, -i, upper, 0, rtol, atol, x, 0, 0, 0, 0);
        double x_held = mean(x, n);
        double t_held = run(c, n, VOLTAGE, -i, upper, i_end, rtol, atol, x, 0, 0, 0, 0);
        charges[0] = i * t;
        charges[1] = sites * (x_held - mean(x, n));
        double t_last = run(c, n, CURRENT, i, lower, 0, rtol, atol, x, 0, 0, 0, 0);
        charges[2] = i * t_last;
        if (t < 0 || t_held < 0 || t_last < 0) return k;
    }
    return number;
}
