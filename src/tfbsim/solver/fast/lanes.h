/* Vectors of doubles, a cell in each lane, as wide as the machine has them (extensions of
   GCC and Clang), and libm over them: GCC finds those of glibc's libmvec. */
#include <math.h>
#include <string.h>
#if defined __AVX512F__
enum { W = 8 };
#elif defined __AVX__
enum { W = 4 };
#else
enum { W = 2 };
#endif
typedef double V __attribute__((vector_size(8 * W)));
typedef long long I __attribute__((vector_size(8 * W)));

static inline V same(double a) { V r; for (int l = 0; l < W; l++) r[l] = a; return r; }
static inline V pick(I m, V a, V b) { return (V)((m & (I)a) | (~m & (I)b)); }
static inline V larger(V a, V b) { return pick(a > b, a, b); }
static inline V lesser(V a, V b) { return pick(a < b, a, b); }
static inline V size(V a) { return (V)((I)a & ~(I)same(-0.0)); }
static inline V truth(I m) { return (V)(m & (I)same(1)); }
static inline V sign(V a) { return truth(a > 0) - truth(a < 0); }
static inline int any(I m) { long long r = 0; for (int l = 0; l < W; l++) r |= m[l]; return !!r; }

#ifdef LIBMVEC
#define SIMD __attribute__((simd("notinbranch")))
#else
#define SIMD
#endif
#define EACH(name, of)                                                                     \
    SIMD double of(double);                                                                \
    static inline V name(V a)                                                              \
    {                                                                                      \
        double x[W], r[W];                                                                 \
        memcpy(x, &a, sizeof x);                                                           \
        for (int l = 0; l < W; l++) r[l] = of(x[l]);                                       \
        memcpy(&a, r, sizeof r);                                                           \
        return a;                                                                          \
    }
EACH(vexp, exp)
EACH(vlog, log)
EACH(vasinh, asinh)
EACH(vtanh, tanh)
EACH(vcosh, cosh)
EACH(vsinh, sinh)
static inline V vsqrt(V a) { for (int l = 0; l < W; l++) a[l] = __builtin_sqrt(a[l]); return a; }
SIMD double pow(double, double);
static inline V vpow(V a, V b)
{
    double x[W], y[W], r[W];
    memcpy(x, &a, sizeof x);
    memcpy(y, &b, sizeof y);
    for (int l = 0; l < W; l++) r[l] = pow(x[l], y[l]);
    memcpy(&a, r, sizeof r);
    return a;
}

/* A table of cubics c[k][0..3] in (a - x[k])/step, n of them; x is NULL where its nodes are
   even, from x0 on.  Beyond its ends the outermost go on. */
static inline void table(const double (*c)[4], const double *x, long n, double x0,
                         double step, V a, V *value, V *slope)
{
    V c0, c1, c2, c3, s;
    for (int l = 0; l < W; l++) {
        long k;
        if (x) {
            long high = n;
            for (k = 0; high - k > 1;) {
                long middle = (k + high) / 2;
                if (x[middle] <= a[l]) k = middle;
                else high = middle;
            }
            s[l] = a[l] - x[k];
        } else {
            double at = (a[l] - x0) / step;
            k = at > 0 ? at < n - 1 ? (long)at : n - 1 : 0;
            s[l] = at - k;
        }
        const double *q = c[k];
        c0[l] = q[0], c1[l] = q[1], c2[l] = q[2], c3[l] = q[3];
    }
    if (value) *value = c0 + s * (c1 + s * (c2 + s * c3));
    if (slope) *slope = (c1 + s * (2 * c2 + s * (3 * c3))) / step;
}
