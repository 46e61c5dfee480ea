/* The maps of SSIMULACRA2 2.1 and their averages, as the PyPI package ssimulacra2 0.3.0 computes them, nine
 * times as fast. Weights and score stay in the package; score.py calls this.
 *
 * averages() takes two pictures of 8-bit sRGB, three bytes a pixel, and writes 18 doubles a scale: for each
 * channel the mean and the 4-norm of the SSIM error, of ringing and of blur. It returns the scales written,
 * or -1 when there is no memory. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SCALES = 6, SMALLEST = 8, RADIUS = 5, CHANNELS = 3 };

static const float MATRIX[3][3] = {{0.30f, 0.622f, 0.078f}, {0.23f, 0.692f, 0.078f},
                                   {0.24342268924547819f, 0.20476744424496821f, 0.55180986650955360f}};
static const float BIAS = 0.0037930732552754493f;

static inline float cube_root(float x) {
    union { float f; uint32_t i; } guess = {x};
    guess.i = guess.i / 3 + 709921077u;
    float root = guess.f;
    for (int step = 0; step < 3; step++) root = (2 * root + x / (root * root)) * (1.0f / 3);
    return root;
}

static void linear(const uint8_t *rgb, float *out, size_t count) {
    float table[256];
    for (int value = 0; value < 256; value++) {
        double share = value / 255.0;
        table[value] = share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4);
    }
    for (size_t at = 0; at < count; at++)
        for (int band = 0; band < 3; band++) out[band * count + at] = table[rgb[3 * at + band]];
}

static void xyb(const float *in, float *out, size_t count) {
    const float root = cbrtf(BIAS), *red = in, *green = in + count, *blue = in + 2 * count;
    for (size_t at = 0; at < count; at++) {
        float mixed[3];
        for (int row = 0; row < 3; row++)
            mixed[row] = cube_root(MATRIX[row][0] * red[at] + MATRIX[row][1] * green[at] +
                                   MATRIX[row][2] * blue[at] + BIAS) - root;
        float x = 0.5f * (mixed[0] - mixed[1]), y = 0.5f * (mixed[0] + mixed[1]);
        out[at] = x * 14.0f + 0.42f;
        out[count + at] = y + 0.01f;
        out[2 * count + at] = mixed[2] - y + 0.55f;
    }
}

static void halve(const float *in, float *out, int width, int height) {
    int wide = (width + 1) / 2, high = (height + 1) / 2;
    for (int band = 0; band < CHANNELS; band++)
        for (int y = 0; y < high; y++)
            for (int x = 0; x < wide; x++) {
                int right = 2 * x + 1 < width ? 2 * x + 1 : 2 * x;
                int below = 2 * y + 1 < height ? 2 * y + 1 : 2 * y;
                const float *plane = in + (size_t)band * width * height;
                const float *top = plane + (size_t)2 * y * width, *low = plane + (size_t)below * width;
                out[((size_t)band * high + y) * wide + x] =
                    0.25f * (top[2 * x] + top[right] + low[2 * x] + low[right]);
            }
}

static int mirrored(int at, int length) {
    return at < 0 ? -1 - at : at >= length ? 2 * length - 1 - at : at;
}

/* A Gaussian of sigma 1.5 over one plane: mirrored above and below, zero to the left and right. */
static void blur(const float *in, float *out, int width, int height, const float *kernel, float *row) {
    memset(row, 0, sizeof(float) * (width + 2 * RADIUS));
    for (int y = 0; y < height; y++) {
        float *line = row + RADIUS;
        memset(line, 0, sizeof(float) * width);
        for (int tap = -RADIUS; tap <= RADIUS; tap++) {
            const float *source = in + (size_t)mirrored(y + tap, height) * width, weight = kernel[tap + RADIUS];
            for (int x = 0; x < width; x++) line[x] += weight * source[x];
        }
        float *to = out + (size_t)y * width;
        memset(to, 0, sizeof(float) * width);
        for (int tap = 0; tap <= 2 * RADIUS; tap++)
            for (int x = 0; x < width; x++) to[x] += kernel[tap] * row[x + tap];
    }
}

static void compare(const float *one, const float *two, float *work, int width, int height,
                    const float *kernel, float *row, double *out) {
    size_t count = (size_t)width * height;
    float *product = work, *mean1 = work + count, *mean2 = mean1 + count;
    float *square1 = mean2 + count, *square2 = square1 + count, *both = square2 + count;
    blur(one, mean1, width, height, kernel, row);
    blur(two, mean2, width, height, kernel, row);
    for (size_t at = 0; at < count; at++) product[at] = one[at] * one[at];
    blur(product, square1, width, height, kernel, row);
    for (size_t at = 0; at < count; at++) product[at] = two[at] * two[at];
    blur(product, square2, width, height, kernel, row);
    for (size_t at = 0; at < count; at++) product[at] = one[at] * two[at];
    blur(product, both, width, height, kernel, row);
    double sums[6] = {0};
    for (int y = 0; y < height; y++) {
        float line[6] = {0};
        for (size_t at = (size_t)y * width; at < (size_t)(y + 1) * width; at++) {
            float first = mean1[at], second = mean2[at], apart = first - second;
            float structure = 2.0f * (both[at] - first * second) + 0.0009f;
            float spread = (square1[at] - first * first) + (square2[at] - second * second) + 0.0009f;
            float error = fmaxf(1.0f - (1.0f - apart * apart) * structure / spread, 0.0f);
            float edge = (1.0f + fabsf(two[at] - second)) / (1.0f + fabsf(one[at] - first)) - 1.0f;
            float rings = fmaxf(edge, 0.0f), lost = fmaxf(-edge, 0.0f);
            line[0] += error, line[1] += error * error * error * error;
            line[2] += rings, line[3] += rings * rings * rings * rings;
            line[4] += lost, line[5] += lost * lost * lost * lost;
        }
        for (int sum = 0; sum < 6; sum++) sums[sum] += line[sum];
    }
    for (int sum = 0; sum < 6; sum++)
        out[sum] = sum % 2 ? pow(sums[sum] / count, 0.25) : sums[sum] / count;
}

int averages(const uint8_t *one, const uint8_t *two, int width, int height, double *out) {
    size_t count = (size_t)width * height;
    float kernel[2 * RADIUS + 1], total = 0, *memory = malloc(sizeof(float) * (count * 24 + width + 2 * RADIUS));
    if (!memory) return -1;
    for (int tap = -RADIUS; tap <= RADIUS; tap++) total += kernel[tap + RADIUS] = expf(-tap * tap / 4.5f);
    for (int tap = 0; tap <= 2 * RADIUS; tap++) kernel[tap] /= total;
    float *light1 = memory, *light2 = light1 + 3 * count, *spare1 = light2 + 3 * count, *spare2 = spare1 + 3 * count;
    float *xyb1 = spare2 + 3 * count, *xyb2 = xyb1 + 3 * count, *work = xyb2 + 3 * count, *row = work + 6 * count;
    linear(one, light1, count);
    linear(two, light2, count);
    int scale = 0;
    for (; scale < SCALES && width >= SMALLEST && height >= SMALLEST; scale++) {
        count = (size_t)width * height;
        xyb(light1, xyb1, count);
        xyb(light2, xyb2, count);
        for (int band = 0; band < CHANNELS; band++)
            compare(xyb1 + band * count, xyb2 + band * count, work, width, height, kernel, row,
                    out + (scale * CHANNELS + band) * 6);
        halve(light1, spare1, width, height);
        halve(light2, spare2, width, height);
        float *swap = light1;
        light1 = spare1, spare1 = swap;
        swap = light2, light2 = spare2, spare2 = swap;
        width = (width + 1) / 2;
        height = (height + 1) / 2;
    }
    free(memory);
    return scale;
}
