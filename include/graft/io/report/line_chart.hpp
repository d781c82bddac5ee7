#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "graft/core/text.hpp"

// A line chart as SVG text, for HtmlReport.
namespace graft::report {

/// For text between tags and in attributes.
GRAFT_COLD inline std::string escape(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    }
  }
  return result;
}

/// One line of a chart: y[i] at x = first + i. What is not finite leaves a gap.
struct ChartLine {
  std::string name;
  double first = 1;
  std::vector<double> y;
};

/// A vertical line at x, with a word beside it.
struct ChartMark {
  double x = 0;
  std::string name;
};

/// An axis from the lowest to the highest number, widened to a round step: 1, 2 or 5 times a power of ten.
struct Axis {
  double low = 0, high = 1, step = 1;

  GRAFT_COLD static Axis over(double low, double high, int steps, bool whole) {
    if (!(low <= high)) low = 0, high = 1;
    if (high - low <= 1e-12 * std::max(std::abs(low), std::abs(high))) {
      const double wider = low == 0 ? 1 : 0.1 * std::abs(low);
      low -= wider, high += wider;
    }
    const double raw = (high - low) / steps, unit = std::pow(10.0, std::floor(std::log10(raw)));
    double step = unit * (raw / unit > 5 ? 10 : raw / unit > 2 ? 5 : raw / unit > 1 ? 2 : 1);
    if (whole) step = std::max(step, 1.0);
    return {std::floor(low / step) * step, std::ceil(high / step) * step, step};
  }
};

/// Throws nothing; a chart without a finite number has axes only.
GRAFT_COLD inline std::string line_chart(const std::string& title, const std::vector<ChartLine>& lines,
                                         const std::vector<ChartMark>& marks = {}) {
  constexpr double kWidth = 460, kHeight = 260, kLeft = 58, kRight = 12, kTop = 34, kBottom = 36;
  static constexpr const char* kColors[] = {"#2563eb", "#ea580c", "#16a34a", "#9333ea"};
  double x_low = INFINITY, x_high = -INFINITY, y_low = INFINITY, y_high = -INFINITY;
  for (const ChartLine& line : lines) {
    for (std::size_t i = 0; i < line.y.size(); ++i) {
      const double x = line.first + static_cast<double>(i);
      x_low = std::min(x_low, x), x_high = std::max(x_high, x);
      if (!std::isfinite(line.y[i])) continue;
      y_low = std::min(y_low, line.y[i]), y_high = std::max(y_high, line.y[i]);
    }
  }
  const Axis ya = Axis::over(y_low, y_high, 4, false);
  Axis xa = Axis::over(x_low, x_high, 8, true);
  if (x_low < x_high) xa.low = x_low, xa.high = x_high;
  const auto number = [](double value) { return text::number("%.6g", value); };
  const auto place = [](double value) { return text::number("%.1f", value); };
  const auto at_x = [&](double x) { return kLeft + (x - xa.low) / (xa.high - xa.low) * (kWidth - kLeft - kRight); };
  const auto at_y = [&](double y) {
    return kHeight - kBottom - (y - ya.low) / (ya.high - ya.low) * (kHeight - kTop - kBottom);
  };
  const auto label = [&](double x, double y, const char* anchor, const std::string& words) {
    return "<text x=\"" + place(x) + "\" y=\"" + place(y) + "\" text-anchor=\"" + anchor + "\">" + escape(words) +
           "</text>\n";
  };
  const auto rule = [&](double x1, double y1, double x2, double y2, const char* kind) {
    return "<line class=\"" + std::string(kind) + "\" x1=\"" + place(x1) + "\" y1=\"" + place(y1) + "\" x2=\"" +
           place(x2) + "\" y2=\"" + place(y2) + "\"/>\n";
  };

  std::string svg = "<svg role=\"img\" viewBox=\"0 0 " + number(kWidth) + " " + number(kHeight) + "\" width=\"" +
                    number(kWidth) + "\" height=\"" + number(kHeight) + "\">\n<title>" + escape(title) + "</title>\n";
  svg += label(kLeft, 16, "start", title);
  for (double y = ya.low; y <= ya.high + ya.step / 2; y += ya.step) {
    svg += rule(kLeft, at_y(y), kWidth - kRight, at_y(y), "grid");
    svg += label(kLeft - 6, at_y(y) + 4, "end", number(std::abs(y) < ya.step * 1e-6 ? 0 : y));
  }
  for (double x = std::ceil(xa.low / xa.step) * xa.step; x <= xa.high + xa.step * 1e-6; x += xa.step) {
    svg += label(at_x(x), kHeight - kBottom + 16, "middle", number(x));
  }
  svg += label((kLeft + kWidth - kRight) / 2, kHeight - 6, "middle", "epoch");
  for (const ChartMark& mark : marks) {
    if (mark.x < xa.low || mark.x > xa.high) continue;
    svg += rule(at_x(mark.x), kTop, at_x(mark.x), kHeight - kBottom, "mark");
    const bool right = at_x(mark.x) > 0.6 * kWidth;  // words stay inside
    svg += label(at_x(mark.x) + (right ? -4 : 4), kTop + 10, right ? "end" : "start", mark.name);
  }
  double legend = kWidth - kRight;
  for (std::size_t k = 0; k < lines.size(); ++k) {
    const std::string color = kColors[k % std::size(kColors)];
    std::string points;
    const auto flush = [&] {
      if (points.empty()) return;
      svg += "<polyline fill=\"none\" stroke=\"" + color + "\" stroke-width=\"2\" points=\"" + points + "\"/>\n";
      points.clear();
    };
    for (std::size_t i = 0; i < lines[k].y.size(); ++i) {
      const double x = lines[k].first + static_cast<double>(i), y = lines[k].y[i];
      if (!std::isfinite(y)) {
        flush();
        continue;
      }
      points += (points.empty() ? "" : " ") + place(at_x(x)) + "," + place(at_y(y));
      svg += "<circle cx=\"" + place(at_x(x)) + "\" cy=\"" + place(at_y(y)) + "\" r=\"2.5\" fill=\"" + color +
             "\"><title>" + escape(lines[k].name) + ", epoch " + number(x) + ": " + number(y) + "</title></circle>\n";
    }
    flush();
    svg += "<g fill=\"" + color + "\">" + label(legend, 16, "end", lines[k].name) + "</g>\n";
    legend -= 14 + 7 * static_cast<double>(lines[k].name.size());
  }
  return svg + "</svg>\n";
}

}  // namespace graft::report
