#include "cli/simulate/svg.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "cli/text.h"

namespace sluice::cli {

std::string XmlText(absl::string_view text) {
  // Two characters of UTF-8 that XML has no place for.
  const std::string printable = absl::StrReplaceAll(
      Printable(text), {{"\xEF\xBF\xBE", "%EF%BF%BE"}, {"\xEF\xBF\xBF", "%EF%BF%BF"}});
  return absl::StrReplaceAll(
      printable, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

std::string Coordinate(double value) {
  const double hundredths = std::round(value * 100);
  if (hundredths == 0) return "0";
  std::string text = absl::StrFormat("%.2f", hundredths / 100);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

Svg::Svg(double width, double height) {
  absl::StrAppend(&text_, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
  Open("svg", {{"xmlns", "http://www.w3.org/2000/svg"},
               {"width", Coordinate(width)},
               {"height", Coordinate(height)},
               {"viewBox", absl::StrCat("0 0 ", Coordinate(width), " ", Coordinate(height))}});
}

void Svg::Begin(absl::string_view element, Attributes attributes) {
  text_.append(static_cast<size_t>(2 * depth_), ' ');
  absl::StrAppend(&text_, "<", element);
  for (const auto& [name, value] : attributes) {
    absl::StrAppend(&text_, " ", name, "=\"", XmlText(value), "\"");
  }
}

void Svg::Open(absl::string_view element, Attributes attributes) {
  Begin(element, attributes);
  absl::StrAppend(&text_, ">\n");
  ++depth_;
}

void Svg::Close(absl::string_view element) {
  --depth_;
  text_.append(static_cast<size_t>(2 * depth_), ' ');
  absl::StrAppend(&text_, "</", element, ">\n");
}

void Svg::Empty(absl::string_view element, Attributes attributes) {
  Begin(element, attributes);
  absl::StrAppend(&text_, "/>\n");
}

void Svg::Text(absl::string_view text, Attributes attributes, absl::string_view element) {
  Begin(element, attributes);
  absl::StrAppend(&text_, ">", XmlText(text), "</", element, ">\n");
}

void Svg::Line(double x1, double y1, double x2, double y2, Attributes attributes) {
  Begin("line", attributes);
  absl::StrAppend(&text_, " x1=\"", Coordinate(x1), "\" y1=\"", Coordinate(y1), "\" x2=\"",
                  Coordinate(x2), "\" y2=\"", Coordinate(y2), "\"/>\n");
}

std::string Svg::Finish() && {
  Close("svg");
  return std::move(text_);
}

}  // namespace sluice::cli
