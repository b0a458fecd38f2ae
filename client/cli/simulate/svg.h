// Text of SVG.
#ifndef SLUICE_CLI_SIMULATE_SVG_H_
#define SLUICE_CLI_SIMULATE_SVG_H_

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace sluice::cli {

// `text` as XML has it, within quotes too. Control characters and bytes that are not UTF-8, which
// XML cannot have, are percent-encoded.
std::string XmlText(absl::string_view text);

// A coordinate to a hundredth, without needless zeros: "12.5", "-3", "0".
std::string Coordinate(double value);

// Builds a document from its elements. Names and values are ours, and escaped here.
class Svg {
 public:
  using Attributes = std::initializer_list<std::pair<absl::string_view, std::string>>;

  // The whole picture's size, in pixels.
  Svg(double width, double height);

  void Open(absl::string_view element, Attributes attributes);
  void Close(absl::string_view element);
  void Empty(absl::string_view element, Attributes attributes);
  void Text(absl::string_view text, Attributes attributes, absl::string_view element = "text");
  void Line(double x1, double y1, double x2, double y2, Attributes attributes);

  // The finished document.
  std::string Finish() &&;

 private:
  void Begin(absl::string_view element, Attributes attributes);

  std::string text_;
  int depth_ = 0;
};

}  // namespace sluice::cli

#endif  // SLUICE_CLI_SIMULATE_SVG_H_
