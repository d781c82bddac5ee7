#include "graft/io/report/html_report.hpp"

#include <fstream>
#include <sstream>

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;

namespace {

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

History history_of(const std::vector<double>& loss, const std::vector<double>& val_loss) {
  History history;
  for (std::size_t i = 0; i < loss.size(); ++i) {
    Logs logs;
    logs.set("loss", loss[i]);
    if (i < val_loss.size()) logs.set("val_loss", val_loss[i]);
    history.append(static_cast<Index>(i), logs);
  }
  return history;
}

/// Tags that are opened and not closed, or the other way round: none in a page that XML parsers take.
bool balanced(const std::string& html) {
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const std::size_t end = html.find('>', at);
    if (end == std::string::npos) return false;
    const std::string tag = html.substr(at + 1, end - at - 1);
    if (tag.starts_with("!") || tag.ends_with("/")) continue;
    if (tag.starts_with("/")) {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    } else {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
  }
  return open.empty();
}

}  // namespace

TEST_CASE("HtmlReport: text is escaped, tags are balanced, nothing is fetched") {
  HtmlReport report("a < b & \"c\"");
  report.heading("<h>").paragraph("1 & 2").preformatted("x\n  y").table({"k", "v"}, {{"<td>", "1"}, {"b", "2"}});
  report.curves(history_of({1, 0.5, 0.25}, {1.1, 0.7, 0.6}));
  report.confusion_matrix(Tensor<float>({2, 2}, {8, 2, 1, 9}), {"cat", "<dog>"});
  report.pictures({{std::string("\x89PNG\r\n\x1a\n") + "rest", "true \"cat\""}});
  const std::string html = report.html();
  CHECK(balanced(html));
  CHECK_THAT(html, ContainsSubstring("<title>a &lt; b &amp; &quot;c&quot;</title>"));
  CHECK_THAT(html, ContainsSubstring("<h2>&lt;h&gt;</h2>"));
  CHECK_THAT(html, ContainsSubstring("<td>&lt;td&gt;</td><td>1</td>"));
  CHECK_THAT(html, ContainsSubstring("<pre>x\n  y</pre>"));
  CHECK_THAT(html, ContainsSubstring("<th>&lt;dog&gt;</th>"));
  CHECK_THAT(html, ContainsSubstring("80.0 %"));
  CHECK_THAT(html, ContainsSubstring("90.0 %"));
  CHECK_THAT(html, ContainsSubstring("src=\"data:image/png;base64,iVBORw0KGgpyZXN0\""));
  CHECK(count(html, "http") == 0);
  CHECK(count(html, "<script") == 0);
}

TEST_CASE("HtmlReport: a chart has every finite number, and gaps for the others") {
  HtmlReport report("t");
  report.curves({{"head", history_of({3, NAN, 1, 0.5}, {})}, {"tuning", history_of({0.4, 0.3}, {0.6, 0.5})}});
  const std::string html = report.html();
  CHECK(balanced(html));
  CHECK(count(html, "<svg") == 1);
  CHECK(count(html, "<circle") == 5 + 2);
  // 3 | 1 0.5 0.4 0.3, and the validation of the second phase.
  CHECK(count(html, "<polyline") == 3);
  CHECK(count(html, "class=\"mark\"") == 2);
  CHECK_THAT(html, ContainsSubstring("validation, epoch 6: 0.5"));
  // Charts of nothing, of one number and of equal numbers.
  CHECK(balanced(HtmlReport("t").curves(History()).html()));
  CHECK(count(HtmlReport("t").curves(history_of({NAN}, {})).html(), "<circle") == 0);
  for (const std::vector<double>& values : {std::vector<double>{2.0}, {0.0, 0.0}, {1e-30, 1e-30}, {-1e30, 1e30}}) {
    const std::string page = HtmlReport("t").curves(history_of(values, {})).html();
    CHECK(count(page, "<circle") == static_cast<int>(values.size()));
    CHECK(count(page, "nan") == 0);
    CHECK(count(page, "inf") == 0);
    CHECK(count(page, "class=\"grid\"") <= 12);
  }
}

TEST_CASE("HtmlReport: wrong shapes and pictures are errors, and a failed save leaves the old file") {
  HtmlReport report("t");
  CHECK_THROWS_AS(report.table({"a", "b"}, {{"1"}}), ShapeError);
  CHECK_THROWS_AS(report.confusion_matrix(Tensor<float>({2, 3}), {"a", "b"}), ShapeError);
  CHECK_THROWS_AS(report.pictures({{"GIF89a", "gif"}}), ConfigError);
  const test::TempDir dir;
  CHECK_THROWS_AS(report.save(dir / "missing/report.html"), FileError);
  history_of({1, 2}, {}).save_html(dir / "h.html", "My training");
  std::stringstream text;
  text << std::ifstream(dir / "h.html").rdbuf();
  CHECK_THAT(text.str(), ContainsSubstring("<h1>My training</h1>"));
  CHECK_THAT(text.str(), ContainsSubstring("</html>"));
}
