/* How fast this machine can do the contest's work: the rule written out by hand in C, good for nothing else.
 *
 * The rule and the outputs are those of oracle.py. A single run is one pass: two averages, the position, the equity at each close. A sweep
 * makes each average once, in tiles that stay in the cache, turns "fast above slow" into bits, and touches a pair only where a bit changes;
 * between two changes only the bars in a position are looked at.
 *
 * Build: cc -O3 -march=native -shared -fPIC limit.c
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

#define TILE 512
#define WORDS (TILE / 64)
#define LANES 8

typedef struct {
    double capital, shares, fee;
} Terms;

typedef struct {
    double final_equity, max_drawdown, sharpe;
    int64_t entries;
} Numbers;

/* What a pair carries from bar to bar. */
typedef struct {
    double cash, previous, peak, deepest, sum, squares;
    int64_t from, entries;
    int holds;
} State;

static State start(const Terms *terms) {
    return (State){.cash = terms->capital, .previous = terms->capital, .peak = terms->capital};
}

static inline void mark(State *s, double equity) {
    const double gain = equity / s->previous - 1.0;
    s->sum += gain;
    s->squares += gain * gain;
    s->previous = equity;
    if (equity > s->peak)
        s->peak = equity;
    else if (s->peak - equity > s->deepest * s->peak)
        s->deepest = (s->peak - equity) / s->peak;
}

static Numbers result(const State *s, int64_t n) {
    const double mean = s->sum / (double)n, variance = (s->squares - (double)n * mean * mean) / (double)(n - 1);
    return (Numbers){.final_equity = s->previous,
                     .max_drawdown = -s->deepest,
                     .sharpe = variance > 0.0 ? mean / sqrt(variance) : 0.0,
                     .entries = s->entries};
}

/* One run in one pass; `curve` may be NULL. */
void single(const double *restrict open, const double *restrict close, int64_t n, int64_t fast, int64_t slow, const Terms *terms,
            double *restrict curve, Numbers *numbers) {
    const double a = 2.0 / ((double)fast + 1.0), b = 2.0 / ((double)slow + 1.0), ka = 1.0 - a, kb = 1.0 - b;
    double x = close[0], y = close[0];
    int above = 0, below = 0, wish = 0;
    State s = start(terms);
    for (int64_t i = 0; i < n; i++) {
        int traded = 0;
        if (wish > 0 && !s.holds) {
            s.cash -= open[i] * terms->shares * (1.0 + terms->fee);
            s.holds = 1;
            s.entries++;
        } else if (wish < 0 && s.holds) {
            s.cash += open[i] * terms->shares * (1.0 - terms->fee);
            s.holds = 0;
            traded = 1;
        }
        wish = 0;
        if (s.holds)
            mark(&s, s.cash + terms->shares * close[i]);
        else if (traded)
            mark(&s, s.cash);
        if (curve)
            curve[i] = s.previous;
        if (i > 0) {
            x = a * close[i] + ka * x;
            y = b * close[i] + kb * y;
        }
        const int now_above = x > y, now_below = x < y;
        if (now_above != above || now_below != below) {
            if (i >= slow)
                wish = (now_above && !above) - (now_below && !below);
            above = now_above;
            below = now_below;
        }
    }
    *numbers = result(&s, n);
}

/* Mark the bars [s->from, stop) of a position. */
static void hold(State *s, const double *close, int64_t stop, double shares) {
    const double cash = s->cash;
    int64_t i = s->from;
    if (i >= stop)
        return;
    double sum[LANES] = {0}, squares[LANES] = {0};
    mark(s, cash + shares * close[i]);
    const double *restrict c = close;
    for (i++; i + LANES <= stop; i += LANES) {
        double highest = s->peak, lowest = INFINITY;
        for (int k = 0; k < LANES; k++) {
            const double gain = (cash + shares * c[i + k]) / (cash + shares * c[i + k - 1]) - 1.0;
            sum[k] += gain;
            squares[k] += gain * gain;
        }
        for (int k = 0; k < LANES; k++) {
            const double equity = cash + shares * c[i + k];
            highest = equity > highest ? equity : highest;
            lowest = equity < lowest ? equity : lowest;
        }
        /* Only where this block holds a new peak or a new depth is the order of its bars of interest. */
        if (highest > s->peak || s->peak - lowest > s->deepest * s->peak)
            for (int k = 0; k < LANES; k++) {
                const double equity = cash + shares * c[i + k];
                if (equity > s->peak)
                    s->peak = equity;
                else if (s->peak - equity > s->deepest * s->peak)
                    s->deepest = (s->peak - equity) / s->peak;
            }
        s->previous = cash + shares * c[i + LANES - 1];
    }
    for (; i < stop; i++)
        mark(s, cash + shares * c[i]);
    for (int k = 0; k < LANES; k++) {
        s->sum += sum[k];
        s->squares += squares[k];
    }
    s->from = stop;
}

static inline void event(State *s, const double *open, const double *close, int64_t n, int64_t at, int buys, const Terms *terms) {
    const int64_t next = at + 1;
    if (next >= n || buys == s->holds)
        return;
    if (buys) {
        s->cash -= open[next] * terms->shares * (1.0 + terms->fee);
        s->from = next;
        s->entries++;
    } else {
        hold(s, close, next, terms->shares);
        s->cash += open[next] * terms->shares * (1.0 - terms->fee);
        mark(s, s->cash);
    }
    s->holds = buys;
}

/* Bits of "fast above slow" and of "fast below slow". */
static inline void compare(const double *restrict fast, const double *restrict slow, uint64_t *restrict above, uint64_t *restrict below) {
    for (int w = 0; w < WORDS; w++) {
        uint64_t up = 0, down = 0;
        for (int part = 0; part < 8; part++) {
            const double *f = fast + w * 64 + part * 8, *s = slow + w * 64 + part * 8;
#ifdef __AVX512F__
            const __m512d x = _mm512_loadu_pd(f), y = _mm512_loadu_pd(s);
            const uint8_t u = _mm512_cmp_pd_mask(x, y, _CMP_GT_OQ), d = _mm512_cmp_pd_mask(x, y, _CMP_LT_OQ);
#else
            uint8_t u = 0, d = 0;
            for (int k = 0; k < 8; k++) {
                u |= (uint8_t)((f[k] > s[k]) << k);
                d |= (uint8_t)((f[k] < s[k]) << k);
            }
#endif
            up |= (uint64_t)u << (part * 8);
            down |= (uint64_t)d << (part * 8);
        }
        above[w] = up;
        below[w] = down;
    }
}

/* Many pairs of the averages `fast[k]`, `slow[k]` (indices into `spans`); returns 0, or 1 without memory. */
int sweep(const double *open, const double *close, int64_t n, const int64_t *spans, int64_t n_spans, const int64_t *fast,
          const int64_t *slow, int64_t n_pairs, const Terms *terms, Numbers *numbers) {
    double *averages = aligned_alloc(64, (size_t)n_spans * TILE * sizeof(double));
    State *states = malloc((size_t)n_pairs * sizeof(State));
    uint64_t(*last)[2] = calloc((size_t)n_pairs, sizeof(*last));
    if (!averages || !states || !last) {
        free(averages);
        free(states);
        free(last);
        return 1;
    }
    for (int64_t p = 0; p < n_pairs; p++)
        states[p] = start(terms);
    for (int64_t first = 0; first < n; first += TILE) {
        const int64_t stop = first + TILE < n ? first + TILE : n, width = stop - first;
        for (int64_t k = 0; k < n_spans; k++) {
            const double alpha = 2.0 / ((double)spans[k] + 1.0), keep = 1.0 - alpha;
            double *row = averages + k * TILE;
            double value = first == 0 ? close[0] : row[TILE - 1];
            for (int64_t i = 0; i < width; i++)
                row[i] = value = first + i == 0 ? close[0] : alpha * close[first + i] + keep * value;
            for (int64_t i = width; i < TILE; i++)
                row[i] = 0.0;
        }
        for (int64_t p = 0; p < n_pairs; p++) {
            uint64_t above[WORDS], below[WORDS];
            State *s = &states[p];
            const int64_t earliest = spans[slow[p]];
            compare(averages + fast[p] * TILE, averages + slow[p] * TILE, above, below);
            for (int w = 0; w < WORDS; w++) {
                const uint64_t ups = above[w] & ~(above[w] << 1 | last[p][0]), downs = below[w] & ~(below[w] << 1 | last[p][1]);
                last[p][0] = above[w] >> 63;
                last[p][1] = below[w] >> 63;
                for (uint64_t left = ups | downs; left; left &= left - 1) {
                    const int64_t at = first + w * 64 + __builtin_ctzll(left);
                    if (at >= earliest && at < stop)
                        event(s, open, close, n, at, (int)(ups >> (at - first - w * 64) & 1), terms);
                }
            }
            if (s->holds)
                hold(s, close, stop, terms->shares);
        }
    }
    for (int64_t p = 0; p < n_pairs; p++)
        numbers[p] = result(&states[p], n);
    free(averages);
    free(states);
    free(last);
    return 0;
}
