#pragma once

#include <graft/graft.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

// Handwriting of a kind: the digits 0 … 9 as strokes, each one bent, turned, sheared, moved, of its own thickness, with
// now and then a stroke that does not belong there, on noise. A second data set that costs no download.
namespace example {

struct DrawnDigits {
  graft::Tensor<float> x, y;  ///< (count, 28, 28) from 0 to 1; (count)
};

namespace digits {

using Point = std::array<double, 2>;
using Stroke = std::vector<Point>;

/// In a square from 0 to 1, y downwards.
inline const std::vector<Stroke>& strokes_of(int digit) {
  static const std::vector<std::vector<Stroke>> all = {
      {{{.5, .1}, {.25, .25}, {.2, .5}, {.25, .75}, {.5, .9}, {.75, .75}, {.8, .5}, {.75, .25}, {.5, .1}}},
      {{{.35, .25}, {.55, .1}, {.55, .5}, {.55, .9}}},
      {{{.25, .3}, {.35, .12}, {.6, .1}, {.75, .28}, {.65, .5}, {.4, .7}, {.22, .9}}, {{.22, .9}, {.78, .88}}},
      {{{.25, .18}, {.5, .1}, {.72, .22}, {.68, .4}, {.45, .48}},
       {{.45, .48}, {.72, .56}, {.76, .75}, {.55, .9}, {.25, .83}}},
      {{{.62, .1}, {.2, .62}}, {{.2, .62}, {.82, .62}}, {{.64, .38}, {.62, .9}}},
      {{{.72, .1}, {.32, .1}},
       {{.32, .1}, {.28, .45}},
       {{.28, .45}, {.55, .4}, {.75, .55}, {.73, .78}, {.5, .9}, {.25, .84}}},
      {{{.65, .1}, {.4, .28}, {.26, .55}, {.28, .78}, {.48, .9}, {.7, .8}, {.72, .6}, {.52, .5}, {.3, .62}}},
      {{{.22, .12}, {.78, .12}}, {{.78, .12}, {.55, .45}, {.42, .9}}},
      {{{.5, .48},
        {.3, .36},
        {.3, .18},
        {.5, .1},
        {.7, .18},
        {.7, .36},
        {.5, .48},
        {.27, .62},
        {.27, .82},
        {.5, .9},
        {.73, .82},
        {.73, .62},
        {.5, .48}}},
      {{{.72, .38}, {.5, .5}, {.3, .4}, {.3, .2}, {.5, .1}, {.7, .2}, {.72, .38}, {.68, .65}, {.5, .9}}}};
  return all.at(static_cast<std::size_t>(digit));
}

/// A curve through the points of a stroke (Catmull and Rom).
inline Stroke smooth(const Stroke& points) {
  if (points.size() < 3) return points;
  Stroke result;
  const auto at = [&](std::size_t i, int by) {
    const auto k = static_cast<std::ptrdiff_t>(i) + by;
    return points[static_cast<std::size_t>(
        std::clamp<std::ptrdiff_t>(k, 0, static_cast<std::ptrdiff_t>(points.size()) - 1))];
  };
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    for (int step = 0; step < 4; ++step) {
      const double t = step / 4.0;
      Point p{};
      for (std::size_t c = 0; c < 2; ++c) {
        const double a = at(i, -1)[c], b = at(i, 0)[c], d = at(i, 1)[c], e = at(i, 2)[c];
        p[c] = 0.5 * (2 * b + (d - a) * t + (2 * a - 5 * b + 4 * d - e) * t * t + (3 * b - a - 3 * d + e) * t * t * t);
      }
      result.push_back(p);
    }
  }
  result.push_back(points.back());
  return result;
}

/// Raises the pixels near a segment; coordinates are pixels.
inline void draw_segment(float* picture, const Point& a, const Point& b, double thickness, double ink) {
  const double reach = thickness + 1;
  const auto bound = [](double v) { return static_cast<graft::Index>(std::clamp(v, 0.0, 27.0)); };
  const double dx = b[0] - a[0], dy = b[1] - a[1], length = std::max(dx * dx + dy * dy, 1e-9);
  for (graft::Index h = bound(std::min(a[1], b[1]) - reach); h <= bound(std::max(a[1], b[1]) + reach); ++h) {
    for (graft::Index w = bound(std::min(a[0], b[0]) - reach); w <= bound(std::max(a[0], b[0]) + reach); ++w) {
      const double px = static_cast<double>(w) - a[0], py = static_cast<double>(h) - a[1];
      const double t = std::clamp((px * dx + py * dy) / length, 0.0, 1.0);
      const double distance = std::hypot(px - t * dx, py - t * dy);
      const auto value = static_cast<float>(ink * std::clamp(thickness - distance + 0.5, 0.0, 1.0));
      picture[h * 28 + w] = std::max(picture[h * 28 + w], value);
    }
  }
}

inline void draw_digit(int digit, graft::Rng& rng, float* picture) {
  const double turn = rng.uniform(-0.35, 0.35), shear = rng.uniform(-0.35, 0.35);
  const double width = rng.uniform(13, 24), height = rng.uniform(15, 25), ink = rng.uniform(0.5, 1);
  const double x0 = 13.5 + rng.uniform(-3, 3), y0 = 13.5 + rng.uniform(-2.5, 2.5), thickness = rng.uniform(0.5, 1.7);
  const auto place = [&](Point p) {
    const double u = (p[0] - 0.5 + 0.035 * rng.normal()) * width, v = (p[1] - 0.5 + 0.035 * rng.normal()) * height;
    const double s = u + shear * v;
    return Point{x0 + s * std::cos(turn) - v * std::sin(turn), y0 + s * std::sin(turn) + v * std::cos(turn)};
  };
  for (const Stroke& stroke : strokes_of(digit)) {
    Stroke points;
    for (const Point& p : stroke) points.push_back(place(p));
    points = smooth(points);
    for (std::size_t i = 0; i + 1 < points.size(); ++i) draw_segment(picture, points[i], points[i + 1], thickness, ink);
  }
  if (rng.uniform() < 0.5) {
    const Point from{rng.uniform(0, 27), rng.uniform(0, 27)};
    draw_segment(picture, from, {from[0] + rng.uniform(-9, 9), from[1] + rng.uniform(-9, 9)}, rng.uniform(0.3, 1),
                 rng.uniform(0.3, 1));
  }
  for (int i = 0; i < 28 * 28; ++i) {
    picture[i] = static_cast<float>(std::clamp(static_cast<double>(picture[i]) + 0.12 * rng.normal(), 0.0, 1.0));
  }
}

}  // namespace digits

/// Digits by chance, all alike in number. The same seed draws the same pictures.
inline DrawnDigits draw_digits(graft::Index count, std::uint64_t seed) {
  DrawnDigits result{graft::Tensor<float>({count, 28, 28}), graft::Tensor<float>({count})};
  graft::Rng rng(seed);
  for (graft::Index i = 0; i < count; ++i) {
    const auto digit = static_cast<int>(rng.below(10));
    result.y[i] = static_cast<float>(digit);
    digits::draw_digit(digit, rng, result.x.data() + i * 28 * 28);
  }
  return result;
}

}  // namespace example
