#pragma once

#include <string>
#include <vector>

#include "graft/core/error.hpp"
#include "graft/core/text.hpp"
#include "graft/models/callbacks/csv_logger.hpp"
#include "graft/models/history.hpp"

namespace graft::detail {

/// Puts numbers into a file name as Python's str.format does: "{epoch:02d}-{val_loss:.4f}"; "{{" and "}}" stand for
/// braces. A field is a name and, behind a colon, [0][width][.precision] and one of d, f, F, e, E, g, G and %. Throws
/// ConfigError for a name that is not in `values`, with those that are, and for any other field.
GRAFT_COLD inline std::string format_pattern(const std::string& pattern, const Logs& values) {
  const auto wrong = [&](const std::string& expected, const std::string& received, const std::string& hint = {}) {
    fail<ConfigError>("file name pattern \"" + pattern + "\"", expected, received, hint);
  };
  const auto digits = [](const std::string& text, std::size_t& at) {
    std::size_t end = at;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    const std::string found = text.substr(at, end - at);
    at = end;
    return found;
  };
  std::string result;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if ((c == '{' || c == '}') && i + 1 < pattern.size() && pattern[i + 1] == c) {
      result += c;
      ++i;
      continue;
    }
    if (c == '}') wrong("an opening brace in front of every closing one", "none");
    if (c != '{') {
      result += c;
      continue;
    }
    const std::size_t close = pattern.find('}', i);
    if (close == std::string::npos) wrong("a closing brace behind every opening one", "none");
    const std::string field = pattern.substr(i + 1, close - i - 1);
    const std::size_t colon = std::min(field.find(':'), field.size());
    const std::string name = field.substr(0, colon), spec = field.substr(std::min(colon + 1, field.size()));
    i = close;
    const double* value = values.find(name);
    if (!value) {
      std::vector<std::string> names;
      for (const auto& entry : values) names.push_back(entry.first);
      wrong("names that the logs have", "\"" + name + "\"", text::did_you_mean(name, names));
    }
    const bool whole = name == "epoch" || name == "batch";
    std::size_t at = 0;
    const bool zeros = at < spec.size() && spec[at] == '0';
    const std::string width = digits(spec, at);
    std::string precision;
    const bool dot = at < spec.size() && spec[at] == '.';
    if (dot) precision = digits(spec, ++at);
    char type = whole && !dot ? 'd' : '\0';
    if (at < spec.size()) type = spec[at++];
    const bool known = type == '\0' || std::string("dfFeEgG%").find(type) != std::string::npos;
    if (at != spec.size() || !known || (dot && precision.empty()) || width.size() > 3 || precision.size() > 2 ||
        (type == 'd' && (!whole || dot))) {
      wrong("[0][width][.precision] and a type behind a colon", "\"" + spec + "\"",
            "For example {epoch:02d} or {val_loss:.4f}.");
    }
    if (type == '\0' && !dot) {
      std::string number = whole ? std::to_string(static_cast<long long>(*value)) : CSVLogger<>::shortest(*value);
      const std::size_t wanted = width.empty() ? 0 : static_cast<std::size_t>(std::stoi(width));
      if (number.size() < wanted) number.insert(0, wanted - number.size(), zeros ? '0' : ' ');
      result += number;
      continue;
    }
    char buffer[1500];
    if (type == 'd') {
      std::snprintf(buffer, sizeof buffer, ("%" + width + "lld").c_str(), static_cast<long long>(*value));
    } else {
      const char letter = type == '\0' ? 'g' : type == '%' ? 'f' : type;
      const std::string format = "%" + width + (dot ? "." + precision : "") + letter + (type == '%' ? "%%" : "");
      std::snprintf(buffer, sizeof buffer, format.c_str(), type == '%' ? 100 * *value : *value);
    }
    result += buffer;
  }
  return result;
}

}  // namespace graft::detail
