#include "cli/simulate/plot.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "cli/simulate/scale.h"
#include "cli/simulate/svg.h"
#include "cli/text.h"

namespace sluice::cli {
namespace {

constexpr double kWidth = 900;
constexpr double kLeft = 66;
constexpr double kRight = 834;
constexpr double kHeaderHeight = 64;
constexpr double kCaptionHeight = 50;  // a panel's title and legend
constexpr double kAreaHeight = 160;
constexpr double kHeadroom = 8;  // above the axes' tops, so that what reaches them is seen to end
constexpr double kPanelHeight = kCaptionHeight + kHeadroom + kAreaHeight + 38;
constexpr double kFooterHeight = 26;
constexpr size_t kMostBins = 200;
constexpr int kMostAmountSteps = 5;
constexpr int kMostTimeTicks = 12;
constexpr int64_t kMostWindowEdges = 60;
// Over more bins without a word of the remaining hits, the line is a guess.
constexpr size_t kMostBinsBridged = 5;
constexpr size_t kMostKeyBytes = 24;
constexpr size_t kMostTitleBytes = 64;

// Told apart by those who see red and green alike, and in print.
constexpr char kAdmitted[] = "#56b4e9";
constexpr char kDenied[] = "#d55e00";
constexpr char kLimit[] = "#000000";
constexpr char kRemaining[] = "#5b2a86";
constexpr char kInk[] = "#222222";
constexpr char kFaintInk[] = "#595959";
constexpr char kGrid[] = "#e3e3e3";
constexpr char kEdge[] = "#8a8a8a";

constexpr char kStyle[] =
    "text { font-family: 'DejaVu Sans', Verdana, Arial, sans-serif; font-size: 12px; }";

// Widths of a character in the fonts above, near enough for a legend.
constexpr double kCharacterWidth = 6.2;
constexpr double kPanelTitleCharacterWidth = 9.5;

double TextWidth(absl::string_view text) {
  return kCharacterWidth * static_cast<double>(DisplayWidth(text));
}

// Printable, and cut off where it grows too long.
std::string Shortened(absl::string_view original, size_t most_bytes) {
  std::string text = Printable(original);
  if (text.size() <= most_bytes) return text;
  size_t end = most_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), "...");
}

std::string WithSeparators(int64_t number) {
  std::string text = absl::StrCat(number);
  for (int64_t at = static_cast<int64_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<size_t>(at), ",");
  }
  return text;
}

// One panel at `top`, drawn from the back to the front.
class PanelArtist {
 public:
  PanelArtist(const Plot& plot, const PlotPanel& panel, double top, Svg& svg)
      : plot_(plot),
        panel_(panel),
        bins_(panel.timeline.Rounded(kMostBins)),
        from_us_(bins_.first * bins_.width_us),
        to_us_(from_us_ + static_cast<int64_t>(bins_.bins.size()) * bins_.width_us),
        top_(top),
        bottom_(top + kCaptionHeight + kHeadroom + kAreaHeight),
        svg_(svg) {
    double most_cost = 0;
    for (const Bin& bin : bins_.bins) {
      most_cost = std::max(most_cost, bin.admitted + bin.denied);
      if (bin.remaining == Bin::kUntold) continue;
      most_remaining_ = std::max(most_remaining_.value_or(0), static_cast<double>(bin.remaining));
    }
    if (!plot.rate.unlimited()) {
      limit_ = static_cast<double>(plot.rate.limit()) * static_cast<double>(bins_.width_us) /
               static_cast<double>(plot.rate.period_us());
    }
    cost_axis_ = AmountAxisFor(std::max(most_cost, limit_.value_or(0)), kMostAmountSteps);
    remaining_axis_ = AmountAxisFor(most_remaining_.value_or(0), kMostAmountSteps);
  }

  void Draw() {
    OpenPanel();
    DrawCaption();
    DrawTimeAxis();
    DrawCostAxis();
    DrawBars("admitted", kAdmitted, [](const Bin& bin) { return std::pair(0.0, bin.admitted); });
    DrawBars("denied", kDenied,
             [](const Bin& bin) { return std::pair(bin.admitted, bin.admitted + bin.denied); });
    DrawWindowEdges();
    DrawFrame();
    DrawLimit();
    DrawRemaining();
    svg_.Close("g");
  }

 private:
  std::string Id(absl::string_view series) const {
    return absl::StrCat(panel_.strategy, "-", series);
  }
  std::string BinText() const { return DurationText(bins_.width_us); }

  double X(double since_us) const {
    const double share =
        (since_us - static_cast<double>(from_us_)) / static_cast<double>(to_us_ - from_us_);
    return kLeft + share * (kRight - kLeft);
  }
  double BinX(size_t bin, double share) const {
    return X(static_cast<double>(from_us_) +
             (static_cast<double>(bin) + share) * static_cast<double>(bins_.width_us));
  }
  double FrameTop() const { return bottom_ - kAreaHeight - kHeadroom; }
  double CostY(double cost) const { return bottom_ - kAreaHeight * cost / cost_axis_.top; }
  double RemainingY(double remaining) const {
    return bottom_ - kAreaHeight * remaining / remaining_axis_.top;
  }

  void OpenPanel() {
    svg_.Open("g", {{"id", panel_.strategy},
                    {"class", "panel"},
                    {"data-left", Coordinate(kLeft)},
                    {"data-top", Coordinate(bottom_ - kAreaHeight)},
                    {"data-width", Coordinate(kRight - kLeft)},
                    {"data-height", Coordinate(kAreaHeight)},
                    {"data-origin-us", absl::StrCat(panel_.timeline.origin_us())},
                    {"data-from-us", absl::StrCat(from_us_)},
                    {"data-to-us", absl::StrCat(to_us_)},
                    {"data-bin-us", absl::StrCat(bins_.width_us)},
                    {"data-cost-top", absl::StrCat(cost_axis_.top)},
                    {"data-remaining-top", absl::StrCat(remaining_axis_.top)}});
  }

  void DrawCaption() {
    svg_.Text(panel_.strategy, {{"x", Coordinate(kLeft)},
                                {"y", Coordinate(top_ + 14)},
                                {"fill", kInk},
                                {"style", "font-size: 14px; font-weight: bold"}});
    const std::string rate =
        absl::StrCat(plot_.rate.ToString(), panel_.params.empty() ? "" : ", ", panel_.params);
    const double room = kRight - kLeft -
                        kPanelTitleCharacterWidth * static_cast<double>(panel_.strategy.size() + 1);
    const size_t most_bytes = static_cast<size_t>(std::max(room, 0.0) / kCharacterWidth);
    svg_.Text(Shortened(rate, most_bytes), {{"x", Coordinate(kRight)},
                                            {"y", Coordinate(top_ + 14)},
                                            {"fill", kInk},
                                            {"text-anchor", "end"}});
    double x = kLeft;
    DrawSwatch(x, kAdmitted, "admitted");
    DrawSwatch(x, kDenied, "denied");
    if (limit_.has_value()) {
      DrawSample(x, LimitText(),
                 {{"stroke", kLimit}, {"stroke-width", "1.5"}, {"stroke-dasharray", "6 3"}});
    }
    if (most_remaining_.has_value()) {
      DrawSample(x, RemainingText(), {{"stroke", kRemaining}, {"stroke-width", "2"}});
    }
    if (HasWindowEdges()) {
      DrawSample(x, "window edge", {{"stroke", kEdge}, {"stroke-dasharray", "1.5 2.5"}});
    }
  }

  std::string LimitText() const {
    return absl::StrCat(panel_.counters > 1 ? "limit of a key: " : "limit: ", AmountText(*limit_),
                        " per ", BinText());
  }
  std::string RemainingText() const {
    if (panel_.counters == 1) return "remaining (right axis)";
    std::string text =
        absl::StrCat("remaining of '", Shortened(panel_.shown_key, kMostKeyBytes), "'");
    if (!panel_.shown_split.empty()) {
      absl::StrAppend(&text, " (", Shortened(panel_.shown_split, kMostKeyBytes), ")");
    }
    return text;
  }

  double LegendY() const { return top_ + 34; }

  void DrawSwatch(double& x, const char* color, absl::string_view label) {
    svg_.Empty("rect", {{"x", Coordinate(x)},
                        {"y", Coordinate(LegendY() - 9)},
                        {"width", "11"},
                        {"height", "11"},
                        {"fill", color}});
    DrawLabel(x, 16, label);
  }
  void DrawSample(double& x, absl::string_view label, Svg::Attributes line) {
    svg_.Line(x, LegendY() - 4, x + 22, LegendY() - 4, line);
    DrawLabel(x, 27, label);
  }
  void DrawLabel(double& x, double indent, absl::string_view label) {
    svg_.Text(label, {{"x", Coordinate(x + indent)}, {"y", Coordinate(LegendY())}, {"fill", kInk}});
    x += indent + TextWidth(label) + 14;
  }

  void DrawTimeAxis() {
    const TimeAxis axis = TimeAxisFor(from_us_, to_us_, kMostTimeTicks);
    for (const TimeTick& tick : axis.ticks) {
      const double x = X(static_cast<double>(tick.at_us));
      svg_.Line(x, FrameTop(), x, bottom_, {{"stroke", kGrid}});
      svg_.Line(x, bottom_, x, bottom_ + 4, {{"stroke", kInk}});
      svg_.Text(tick.label, {{"x", Coordinate(x)},
                             {"y", Coordinate(bottom_ + 17)},
                             {"fill", kInk},
                             {"text-anchor", "middle"}});
    }
    svg_.Text(axis.unit,
              {{"x", Coordinate(kRight + 20)}, {"y", Coordinate(bottom_ + 17)}, {"fill", kInk}});
  }

  void DrawCostAxis() {
    for (double at = 0; at <= cost_axis_.top; at += cost_axis_.step) {
      const double y = CostY(at);
      svg_.Line(kLeft, y, kRight, y, {{"stroke", kGrid}});
      DrawAmount(at, kLeft, -1, y, kInk);
    }
    DrawAxisTitle(kLeft - 50, -90, absl::StrCat("hits per ", BinText()), kInk);
  }

  // At the end of a tick that leaves the frame at `x` in the direction of `sign`.
  void DrawAmount(double amount, double x, int sign, double y, const char* color) {
    svg_.Line(x, y, x + 4 * sign, y, {{"stroke", color}});
    svg_.Text(AmountText(amount), {{"x", Coordinate(x + 7 * sign)},
                                   {"y", Coordinate(y + 4)},
                                   {"fill", color},
                                   {"text-anchor", sign < 0 ? "end" : "start"}});
  }

  void DrawAxisTitle(double x, int degrees, absl::string_view title, const char* color) {
    const double y = bottom_ - kAreaHeight / 2;
    const std::string turn =
        absl::StrCat("rotate(", degrees, " ", Coordinate(x), " ", Coordinate(y), ")");
    svg_.Text(title, {{"x", Coordinate(x)},
                      {"y", Coordinate(y)},
                      {"fill", color},
                      {"text-anchor", "middle"},
                      {"transform", turn}});
  }

  template <class Extent>
  void DrawBars(absl::string_view series, const char* color, Extent extent) {
    const double width = BinX(0, 1) - BinX(0, 0);
    const double gap = width > 3 ? 0.6 : 0;
    std::string path;
    for (size_t i = 0; i < bins_.bins.size(); ++i) {
      const auto [low, high] = extent(bins_.bins[i]);
      if (high <= low) continue;
      absl::StrAppend(&path, "M", Coordinate(BinX(i, 0) + gap / 2), " ", Coordinate(CostY(low)));
      absl::StrAppend(&path, "V", Coordinate(CostY(high)), "h", Coordinate(width - gap));
      absl::StrAppend(&path, "V", Coordinate(CostY(low)), "z");
    }
    svg_.Empty("path",
               {{"id", Id(series)}, {"class", std::string(series)}, {"fill", color}, {"d", path}});
  }

  // The first edge at or behind the start, since the origin.
  int64_t FirstWindowEdge() const {
    const int64_t period = plot_.rate.period_us();
    const int64_t start = panel_.timeline.origin_us() + from_us_;
    return from_us_ + ((-start) % period + period) % period;
  }
  bool HasWindowEdges() const {
    if (!panel_.has_windows || plot_.rate.unlimited()) return false;
    const int64_t first = FirstWindowEdge();
    return first <= to_us_ && (to_us_ - first) / plot_.rate.period_us() < kMostWindowEdges;
  }
  void DrawWindowEdges() {
    if (!HasWindowEdges()) return;
    for (int64_t at = FirstWindowEdge(); at <= to_us_; at += plot_.rate.period_us()) {
      const double x = X(static_cast<double>(at));
      svg_.Line(x, FrameTop(), x, bottom_,
                {{"class", "window-edge"}, {"stroke", kEdge}, {"stroke-dasharray", "1.5 2.5"}});
    }
  }

  void DrawFrame() {
    const std::string top = Coordinate(FrameTop());
    svg_.Empty("path",
               {{"fill", "none"},
                {"stroke", kInk},
                {"d", absl::StrCat("M", Coordinate(kLeft), " ", top, "V", Coordinate(bottom_), "H",
                                   Coordinate(kRight), "V", top)}});
  }

  void DrawLimit() {
    if (!limit_.has_value()) return;
    svg_.Line(kLeft, CostY(*limit_), kRight, CostY(*limit_),
              {{"id", Id("limit")},
               {"class", "limit"},
               {"stroke", kLimit},
               {"stroke-width", "1.5"},
               {"stroke-dasharray", "6 3"}});
  }

  void DrawRemaining() {
    if (!most_remaining_.has_value()) return;
    std::string told;
    std::string guessed;
    absl::optional<size_t> before;
    for (size_t i = 0; i < bins_.bins.size(); ++i) {
      if (bins_.bins[i].remaining == Bin::kUntold) continue;
      const bool near = before.has_value() && i - *before <= kMostBinsBridged;
      absl::StrAppend(&told, near ? "L" : "M", RemainingPoint(i));
      // A line of no length, so that a lone point is a dot.
      if (!near) absl::StrAppend(&told, "h0");
      if (before.has_value() && !near) {
        absl::StrAppend(&guessed, "M", RemainingPoint(*before), "L", RemainingPoint(i));
      }
      before = i;
    }
    DrawRemainingLine(Id("remaining-guessed"), "remaining-guessed", guessed, "1", "2 3");
    DrawRemainingLine(Id("remaining"), "remaining", told, "2", "none");
    for (double at = 0; at <= remaining_axis_.top; at += remaining_axis_.step) {
      DrawAmount(at, kRight, 1, RemainingY(at), kRemaining);
    }
    DrawAxisTitle(kRight + 52, 90, "remaining hits", kRemaining);
  }

  std::string RemainingPoint(size_t bin) const {
    const double remaining = static_cast<double>(bins_.bins[bin].remaining);
    return absl::StrCat(Coordinate(BinX(bin, 0.5)), " ", Coordinate(RemainingY(remaining)));
  }

  void DrawRemainingLine(const std::string& id, const char* name, const std::string& path,
                         const char* width, const char* dashes) {
    if (path.empty()) return;
    // A white one below, so that it stays a line in front of bars and grid.
    svg_.Empty("path", {{"fill", "none"},
                        {"stroke", "#ffffff"},
                        {"stroke-width", "4"},
                        {"stroke-opacity", "0.7"},
                        {"stroke-linejoin", "round"},
                        {"d", path}});
    svg_.Empty("path", {{"id", id},
                        {"class", name},
                        {"fill", "none"},
                        {"stroke", kRemaining},
                        {"stroke-width", width},
                        {"stroke-dasharray", dashes},
                        {"stroke-linecap", "round"},
                        {"stroke-linejoin", "round"},
                        {"d", path}});
  }

  const Plot& plot_;
  const PlotPanel& panel_;
  const Bins bins_;
  const int64_t from_us_;
  const int64_t to_us_;
  const double top_;
  const double bottom_;
  Svg& svg_;
  absl::optional<double> limit_;           // in a bin
  absl::optional<double> most_remaining_;  // none was told, or all were unlimited
  AmountAxis cost_axis_;
  AmountAxis remaining_axis_;
};

void DrawHeader(const Plot& plot, Svg& svg) {
  svg.Text(Shortened(plot.title, kMostTitleBytes),
           {{"x", Coordinate(kLeft)},
            {"y", "28"},
            {"fill", kInk},
            {"style", "font-size: 17px; font-weight: bold"}});
  std::string facts = absl::StrCat(WithSeparators(plot.rows), plot.rows == 1 ? " row" : " rows");
  // A strategy that splits keys has more counters than there are keys.
  int64_t keys = std::numeric_limits<int64_t>::max();
  for (const PlotPanel& panel : plot.panels) keys = std::min(keys, panel.counters);
  if (!plot.panels.empty() && keys > 1) {
    const bool split = !plot.panels.front().shown_split.empty();
    absl::StrAppend(&facts, ", ", WithSeparators(keys), split ? " counters" : " keys");
  }
  if (!plot.panels.empty()) {
    absl::StrAppend(&facts, ", from t_us = ", plot.panels.front().timeline.origin_us());
  }
  svg.Text(facts, {{"x", Coordinate(kLeft)}, {"y", "47"}, {"fill", kFaintInk}});
}

}  // namespace

std::string DrawPlot(const Plot& plot) {
  const double height =
      kHeaderHeight + kPanelHeight * static_cast<double>(plot.panels.size()) + kFooterHeight;
  Svg svg(kWidth, height);
  svg.Text(plot.title, {}, "title");
  svg.Text(kStyle, {}, "style");
  svg.Empty("rect",
            {{"width", Coordinate(kWidth)}, {"height", Coordinate(height)}, {"fill", "#ffffff"}});
  DrawHeader(plot, svg);
  double top = kHeaderHeight;
  for (const PlotPanel& panel : plot.panels) {
    PanelArtist(plot, panel, top, svg).Draw();
    top += kPanelHeight;
  }
  svg.Text(plot.panels.empty() ? "The trace has no rows." : "time since the first row",
           {{"x", Coordinate((kLeft + kRight) / 2)},
            {"y", Coordinate(top + 4)},
            {"fill", kInk},
            {"text-anchor", "middle"}});
  return std::move(svg).Finish();
}

}  // namespace sluice::cli
