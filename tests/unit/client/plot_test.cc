#include "cli/simulate/plot.h"

#include <map>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/simulate/svg.h"
#include "core/rate.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(SvgTest, TextIsEscaped) {
  EXPECT_EQ(XmlText("a<b> & \"c\" 'd'"), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
  EXPECT_EQ(XmlText("\xC3\xA9"), "\xC3\xA9");
  EXPECT_EQ(XmlText("\n\x01\xFF\xEF\xBF\xBE"), "%0A%01%FF%EF%BF%BE");
}

TEST(SvgTest, CoordinatesAreShort) {
  EXPECT_EQ(Coordinate(12.5), "12.5");
  EXPECT_EQ(Coordinate(12), "12");
  EXPECT_EQ(Coordinate(100), "100");
  EXPECT_EQ(Coordinate(-0.001), "0");
  EXPECT_EQ(Coordinate(2.0 / 3), "0.67");
}

TEST(SvgTest, ElementsNest) {
  Svg svg(3, 2);
  svg.Open("g", {{"id", "a&b"}});
  svg.Line(0, 1, 2.5, 3, {{"stroke", "red"}});
  svg.Text("x < y", {{"x", "1"}});
  svg.Close("g");
  EXPECT_EQ(std::move(svg).Finish(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"3\" height=\"2\" "
            "viewBox=\"0 0 3 2\">\n"
            "  <g id=\"a&amp;b\">\n"
            "    <line stroke=\"red\" x1=\"0\" y1=\"1\" x2=\"2.5\" y2=\"3\"/>\n"
            "    <text x=\"1\">x &lt; y</text>\n"
            "  </g>\n"
            "</svg>\n");
}

// The attributes of the element with this id.
std::map<std::string, std::string> Element(const std::string& svg, const std::string& id) {
  std::map<std::string, std::string> attributes;
  std::smatch element;
  const std::regex with_id(absl::StrCat("<[a-z]+ (?:[^<>]* )?id=\"", id, "\"[^<>]*>"));
  if (!std::regex_search(svg, element, with_id)) return attributes;
  const std::string text = element.str();
  const std::regex attribute(" ([a-z0-9-]+)=\"([^\"]*)\"");
  for (auto it = std::sregex_iterator(text.begin(), text.end(), attribute);
       it != std::sregex_iterator(); ++it) {
    attributes[(*it)[1]] = (*it)[2];
  }
  return attributes;
}

// Ten bins of 1 ms: ten a bin of which four are denied in the last, at 5 per 2 ms.
Plot TenBins() {
  Timeline timeline(1'000'000);
  for (int64_t bin = 0; bin < 10; ++bin) {
    timeline.Add(1'000'000 + bin * 1'000, {bin == 9 ? 6.0 : 10.0, bin == 9 ? 4.0 : 0.0, 20 - bin});
  }
  // Between 9 ms and 200 ms nothing is told; the width of a bin becomes 1 ms.
  timeline.Add(1'000'000 + 199'000, {0, 0, Bin::kUntold});
  Plot plot;
  plot.title = "A <test>";
  plot.rate = *Rate::Create(5, 2 * kMillisecondUs);
  plot.rows = 1234;
  plot.panels.push_back({.strategy = "gcra", .params = "burst=3", .timeline = timeline});
  return plot;
}

TEST(PlotTest, ThePanelTellsHowItIsDrawn) {
  const std::string svg = DrawPlot(TenBins());
  auto panel = Element(svg, "gcra");
  EXPECT_EQ(panel["class"], "panel");
  EXPECT_EQ(panel["data-origin-us"], "1000000");
  EXPECT_EQ(panel["data-bin-us"], "1000");
  EXPECT_EQ(panel["data-from-us"], "0");
  EXPECT_EQ(panel["data-to-us"], "200000");
  EXPECT_EQ(panel["data-cost-top"], "10");
  EXPECT_EQ(panel["data-remaining-top"], "20");
  EXPECT_EQ(panel["data-left"], "66");
  EXPECT_EQ(panel["data-width"], "768");
  EXPECT_EQ(panel["data-height"], "160");
}

// 768 pixels are 200 bins of 3.84, of which a gap of 0.6 is left free; 160 pixels are 10 hits.
TEST(PlotTest, SeriesLieWhereTheirValuesAre) {
  const std::string svg = DrawPlot(TenBins());
  const double top = std::stod(Element(svg, "gcra")["data-top"]);
  const double bottom = top + 160;
  const std::string floor = Coordinate(bottom);
  const std::string six = Coordinate(bottom - 96);

  const std::string admitted = Element(svg, "gcra-admitted")["d"];
  EXPECT_THAT(admitted, testing::StartsWith(absl::StrCat("M66.3 ", floor, "V", Coordinate(top),
                                                         "h3.24V", floor, "z")));
  EXPECT_THAT(admitted, testing::EndsWith(absl::StrCat("M", Coordinate(66.3 + 9 * 3.84), " ", floor,
                                                       "V", six, "h3.24V", floor, "z")));
  EXPECT_EQ(Element(svg, "gcra-denied")["d"],
            absl::StrCat("M", Coordinate(66.3 + 9 * 3.84), " ", six, "V", Coordinate(top), "h3.24V",
                         six, "z"));

  auto limit = Element(svg, "gcra-limit");
  EXPECT_EQ(limit["y1"], Coordinate(bottom - 40));  // 2.5 a bin
  EXPECT_EQ(limit["y2"], limit["y1"]);
  EXPECT_EQ(limit["x1"], "66");
  EXPECT_EQ(limit["x2"], "834");

  const std::string remaining = Element(svg, "gcra-remaining")["d"];
  EXPECT_THAT(remaining, testing::StartsWith(absl::StrCat("M67.92 ", Coordinate(top), "h0L71.76 ",
                                                          Coordinate(top + 8))));
}

TEST(PlotTest, LabelsNameWhatIsShown) {
  const std::string svg = DrawPlot(TenBins());
  for (const char* label : {">A &lt;test&gt;<", ">gcra<", ">5/2ms, burst=3<", ">1,234 rows, from",
                            ">hits per 1ms<", ">admitted<", ">denied<", ">limit: 2.5 per 1ms<",
                            ">remaining (right axis)<", ">time since the first row<", ">ms<"}) {
    EXPECT_THAT(svg, HasSubstr(label));
  }
}

TEST(PlotTest, OfSeveralKeysOneIsShownByName) {
  Plot plot = TenBins();
  plot.panels[0].counters = 2'000;
  plot.panels[0].shown_key = "<alice>&";
  EXPECT_THAT(DrawPlot(plot), HasSubstr("remaining of &#39;&lt;alice&gt;&amp;&#39;"));
  EXPECT_THAT(DrawPlot(plot), HasSubstr("limit of a key"));
  EXPECT_THAT(DrawPlot(plot), HasSubstr("2,000 keys"));
  plot.panels[0].shown_split = "pro";
  EXPECT_THAT(DrawPlot(plot), HasSubstr("remaining of &#39;&lt;alice&gt;&amp;&#39; (pro)"));
  EXPECT_THAT(DrawPlot(plot), HasSubstr("2,000 counters"));
  plot.panels[0].shown_key = "an identifier that is far too long for a legend";
  EXPECT_THAT(DrawPlot(plot), HasSubstr("&#39;an identifier that is fa...&#39;"));
}

TEST(PlotTest, WithoutALimitThereIsNoLine) {
  Plot plot = TenBins();
  plot.rate = Rate::Unlimited();
  Timeline timeline(0);
  timeline.Add(0, {1, 0, Bin::kUntold});
  plot.panels = {{.strategy = "gcra", .has_windows = true, .timeline = timeline}};
  const std::string svg = DrawPlot(plot);
  EXPECT_THAT(svg, Not(HasSubstr("gcra-limit")));
  EXPECT_THAT(svg, Not(HasSubstr("gcra-remaining")));
  EXPECT_THAT(svg, HasSubstr("gcra-admitted"));
}

TEST(PlotTest, AWideGapIsBridgedByAGuess) {
  Plot plot = TenBins();
  EXPECT_THAT(DrawPlot(plot), Not(HasSubstr("remaining-guessed")));
  plot.panels[0].timeline.Add(1'000'000 + 100'000, {1, 0, 3});
  const std::string svg = DrawPlot(plot);
  EXPECT_THAT(svg, HasSubstr("gcra-remaining-guessed"));
  EXPECT_THAT(Element(svg, "gcra-remaining")["d"], HasSubstr("h0L"));
}

TEST(PlotTest, WindowsShowTheirEdges) {
  Plot plot = TenBins();
  plot.rate = *Rate::Create(5, 50 * kMillisecondUs);
  EXPECT_THAT(DrawPlot(plot), Not(HasSubstr("window-edge")));
  plot.panels[0].has_windows = true;
  const std::string svg = DrawPlot(plot);
  // At 0, 50, 100, 150 and 200 ms since an origin that is an edge itself.
  size_t edges = 0;
  for (size_t at = svg.find("window-edge"); at != std::string::npos;
       at = svg.find("window-edge", at + 1)) {
    ++edges;
  }
  EXPECT_EQ(edges, 5u);
  EXPECT_THAT(svg, HasSubstr("x1=\"258\""));
}

TEST(PlotTest, PanelsStandOneAboveTheOther) {
  Plot plot = TenBins();
  plot.panels.push_back({.strategy = "fixed_window", .timeline = plot.panels[0].timeline});
  const std::string svg = DrawPlot(plot);
  const double first = std::stod(Element(svg, "gcra")["data-top"]);
  const double second = std::stod(Element(svg, "fixed_window")["data-top"]);
  EXPECT_GT(second, first + 160);
  EXPECT_EQ(Element(svg, "gcra")["data-left"], Element(svg, "fixed_window")["data-left"]);
  EXPECT_EQ(Element(svg, "gcra")["data-to-us"], Element(svg, "fixed_window")["data-to-us"]);
}

TEST(PlotTest, NoRowsAreAPictureToo) {
  Plot plot;
  plot.title = "Nothing";
  EXPECT_THAT(DrawPlot(plot), HasSubstr("The trace has no rows."));
}

}  // namespace
}  // namespace sluice::cli
