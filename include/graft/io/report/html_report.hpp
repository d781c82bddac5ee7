#pragma once

#include "graft/core/tensor.hpp"
#include "graft/io/atomic_file.hpp"
#include "graft/io/report/line_chart.hpp"
#include "graft/models/history.hpp"

namespace graft {

/// A picture for a report: a whole PNG or JPEG file in memory, and what to write below it.
struct ReportPicture {
  std::string bytes;
  std::string caption;
};

/// A page of text, tables, curves and pictures in one file that needs no other: no script, no network.
///
///     graft::HtmlReport report("Cats and dogs");
///     report.curves({{"head", head_history}, {"tuning", tuning_history}}).confusion_matrix(counts, {"cat", "dog"});
///     report.save("report.html");
///
/// Whatever text it is given is escaped.
class HtmlReport {
 public:
  GRAFT_COLD explicit HtmlReport(std::string title) : title_(std::move(title)) {}

  GRAFT_COLD HtmlReport& heading(const std::string& words) { return add("<h2>" + report::escape(words) + "</h2>\n"); }
  GRAFT_COLD HtmlReport& paragraph(const std::string& words) { return add("<p>" + report::escape(words) + "</p>\n"); }
  /// Text as it stands, lines kept: a summary, the report of fine_tune.
  GRAFT_COLD HtmlReport& preformatted(const std::string& words) {
    return add("<pre>" + report::escape(words) + "</pre>\n");
  }

  /// Throws ShapeError when a row has another number of cells than the header.
  GRAFT_COLD HtmlReport& table(const std::vector<std::string>& header,
                               const std::vector<std::vector<std::string>>& rows) {
    std::string html = "<table>\n<tr>";
    for (const auto& cell : header) html += "<th>" + report::escape(cell) + "</th>";
    html += "</tr>\n";
    for (const auto& row : rows) {
      if (row.size() != header.size()) {
        fail<ShapeError>("HtmlReport table", std::to_string(header.size()) + " cells in every row",
                         std::to_string(row.size()));
      }
      html += "<tr>";
      for (const auto& cell : row) html += "<td>" + report::escape(cell) + "</td>";
      html += "</tr>\n";
    }
    return add(html + "</table>\n");
  }

  /// A chart for every quantity of the histories, loss first, val_… in the same chart. Several phases of training stand
  /// one behind the other, each marked with its name; their epochs are counted through.
  GRAFT_COLD HtmlReport& curves(const std::vector<std::pair<std::string, History>>& phases) {
    std::vector<std::string> names;
    for (const auto& [phase, history] : phases) {
      for (const auto& key : history.keys()) {
        const std::string name = key.starts_with("val_") ? key.substr(4) : key;
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      }
    }
    std::string html = "<div class=\"row\">\n";
    for (const auto& name : names) {
      std::vector<report::ChartLine> lines;
      for (const std::string& key : {name, "val_" + name}) {
        report::ChartLine line{key == name ? "training" : "validation", 1, {}};
        bool any = false;
        for (const auto& [phase, history] : phases) {
          const bool has = history.contains(key);
          any = any || has;
          std::vector<double> values(history.epoch.size(), NAN);
          // With validation_freq a quantity has fewer numbers than there were epochs; the last ones are its own.
          if (has) {
            const auto& given = history[key];
            const std::size_t stride = given.empty() ? 1 : std::max<std::size_t>(values.size() / given.size(), 1);
            for (std::size_t i = 0; i < given.size() && stride * (i + 1) <= values.size(); ++i) {
              values[stride * (i + 1) - 1] = given[i];
            }
          }
          line.y.insert(line.y.end(), values.begin(), values.end());
        }
        if (any) lines.push_back(std::move(line));
      }
      std::vector<report::ChartMark> marks;
      double begin = 1;
      for (const auto& [phase, history] : phases) {
        if (!phase.empty()) marks.push_back({begin, phase});
        begin += static_cast<double>(history.epoch.size());
      }
      html += report::line_chart(name, lines, marks);
    }
    return add(html + "</div>\n");
  }
  GRAFT_COLD HtmlReport& curves(const History& history) { return curves({{"", history}}); }

  /// counts: (classes, classes), row = true class, column = predicted class, as graft::confusion_matrix makes them.
  /// Throws ShapeError.
  GRAFT_COLD HtmlReport& confusion_matrix(const TensorView<const float>& counts,
                                          const std::vector<std::string>& class_names) {
    const auto classes = static_cast<Index>(class_names.size());
    if (!(counts.shape() == Shape{classes, classes})) {
      fail<ShapeError>("HtmlReport confusion_matrix", "shape " + Shape{classes, classes}.str() + " for the class names",
                       counts.shape().str());
    }
    std::string html = "<table class=\"confusion\">\n<tr><th>true \\ predicted</th>";
    for (const auto& name : class_names) html += "<th>" + report::escape(name) + "</th>";
    html += "<th>recall</th></tr>\n";
    for (Index r = 0; r < classes; ++r) {
      double total = 0;
      for (Index c = 0; c < classes; ++c) total += static_cast<double>(counts[r * classes + c]);
      html += "<tr><th>" + report::escape(class_names[static_cast<std::size_t>(r)]) + "</th>";
      for (Index c = 0; c < classes; ++c) {
        const double count = static_cast<double>(counts[r * classes + c]), share = total > 0 ? count / total : 0;
        html += "<td style=\"background:rgba(" + std::string(r == c ? "22,163,74," : "220,38,38,") +
                text::number("%.2f", 0.75 * share) + ")\">" + text::number("%.0f", count) + "</td>";
      }
      html +=
          "<td>" +
          (total > 0 ? text::number("%.1f", 100 * static_cast<double>(counts[r * classes + r]) / total) + " %" : "–") +
          "</td></tr>\n";
    }
    return add(html + "</table>\n");
  }

  /// Throws ConfigError for a picture that is neither PNG nor JPEG.
  GRAFT_COLD HtmlReport& pictures(const std::vector<ReportPicture>& pictures) {
    std::string html = "<div class=\"row\">\n";
    for (const auto& picture : pictures) {
      const bool png = picture.bytes.starts_with("\x89PNG"), jpeg = picture.bytes.starts_with("\xFF\xD8");
      if (!png && !jpeg) fail<ConfigError>("HtmlReport pictures", "a PNG or JPEG file", "other bytes");
      html += "<figure><img alt=\"" + report::escape(picture.caption) + "\" src=\"data:image/" +
              (png ? "png" : "jpeg") + ";base64," + base64(picture.bytes) + "\"/><figcaption>" +
              report::escape(picture.caption) + "</figcaption></figure>\n";
    }
    return add(html + "</div>\n");
  }

  GRAFT_COLD std::string html() const {
    return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>" +
           report::escape(title_) +
           "</title>\n<style>\n"
           ":root { color-scheme: light dark; }\n"
           "body { font: 15px/1.5 system-ui, sans-serif; max-width: 980px; margin: 2rem auto; padding: 0 1rem; }\n"
           "svg text { font: 12px system-ui, sans-serif; } svg > text { fill: currentColor; }\n"
           ".grid { stroke: #8884; } .mark { stroke: currentColor; stroke-dasharray: 4 3; }\n"
           ".row { display: flex; flex-wrap: wrap; gap: 1rem; }\n"
           "table { border-collapse: collapse; margin: 1rem 0; }\n"
           "th, td { border: 1px solid #8886; padding: .25rem .6rem; text-align: right; }\n"
           "th:first-child, td:first-child { text-align: left; }\n"
           "pre { overflow-x: auto; } figure { margin: 0; width: 170px; } img { width: 170px; }\n"
           "figcaption { font-size: 13px; }\n"
           "</style>\n</head>\n<body>\n<h1>" +
           report::escape(title_) + "</h1>\n" + body_ + "</body>\n</html>\n";
  }
  /// Writes the page, all or nothing. Throws FileError.
  GRAFT_COLD void save(const std::string& path) const {
    AtomicFile target(path);
    const std::string page = html();
    std::FILE* file = std::fopen(target.temporary().c_str(), "wb");
    if (!file) target.fail_with("open the file", errno);
    const bool written = std::fwrite(page.data(), 1, page.size(), file) == page.size();
    const int error = errno;
    const bool closed = std::fclose(file) == 0;
    if (!written || !closed) target.fail_with("write", written ? errno : error);
    target.commit();
  }

 private:
  HtmlReport& add(const std::string& html) {
    body_ += html;
    return *this;
  }

  GRAFT_COLD static std::string base64(std::string_view bytes) {
    static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string result;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
      std::uint32_t group = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
      }
      for (std::size_t k = 0; k < 4; ++k) {
        result += i + k > bytes.size() ? '=' : kDigits[group >> (18 - 6 * k) & 63];
      }
    }
    return result;
  }

  std::string title_, body_;
};

/// The curves of a training as a page of its own. Throws FileError.
GRAFT_COLD inline void History::save_html(const std::string& path, const std::string& title) const {
  HtmlReport(title).curves(*this).save(path);
}

}  // namespace graft
