// Whatever the bytes are, loading them ends with a policy or with errors.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "policy/loader.h"

namespace sluice {
namespace {

void ExpectPolicyOrErrors(const std::string& text) {
  const PolicyResult result = LoadPolicyText("random.yaml", text, 1);
  RC_ASSERT((result.policy == nullptr) == !result.errors.empty());
  for (const PolicyError& error : result.errors) {
    RC_ASSERT(error.position.line >= 1);
    RC_ASSERT(error.position.column >= 1);
    RC_ASSERT(!error.what.empty());
    RC_ASSERT(error.ToString().find('\n') == std::string::npos);
  }
}

std::string TextOf(const std::string& name) {
  std::ifstream stream(SLUICE_SOURCE_DIR "/" + name, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// A valid file with some stretches of it replaced by a few bytes of YAML or of anything.
std::string Mutated(std::string text) {
  const auto pieces = rc::gen::oneOf(
      rc::gen::elementOf(std::vector<std::string>{
          "",   " ",    "\n",     "\t", ": ", "- ",  "? ", "[",     "]",    "{",  "}", "&a ",
          "*a", "<<: ", "!!int ", "\"", "'",  "|\n", "#",  "---\n", "${X}", "\0", "~", "%"}),
      rc::gen::arbitrary<std::string>());
  const int changes = *rc::gen::inRange(1, 6);
  for (int i = 0; i < changes; ++i) {
    const size_t at = *rc::gen::inRange<size_t>(0, text.size() + 1);
    const size_t length = *rc::gen::inRange<size_t>(0, 12);
    text.replace(at, length, *pieces);
  }
  return text;
}

RC_GTEST_PROP(PolicyPropertyTest, AnyBytes, (const std::string& text)) {
  ExpectPolicyOrErrors(text);
}

RC_GTEST_PROP(PolicyPropertyTest, AnyYamlPunctuation, ()) {
  ExpectPolicyOrErrors(*rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("ab1 \n\t:-?[]{},&*!|>'\"%@`#<~.\\"))));
}

RC_GTEST_PROP(PolicyPropertyTest, ChangedConfigurations, ()) {
  static const std::string quickstart(ExamplePolicy());
  ExpectPolicyOrErrors(Mutated(quickstart));
}

RC_GTEST_PROP(PolicyPropertyTest, ChangedDomains, ()) {
  static const std::string edge = TextOf("deploy/examples/envoy/ratelimit/edge.yaml");
  RC_ASSERT(!edge.empty());
  ExpectPolicyOrErrors(Mutated(edge));
}

RC_GTEST_PROP(PolicyPropertyTest, ChangedBrokenFiles, ()) {
  static const std::vector<std::string>& broken = *[] {
    auto* texts = new std::vector<std::string>;
    const std::string folder = SLUICE_SOURCE_DIR "/tests/golden/policy";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() != ".yaml") continue;
      texts->push_back(TextOf("tests/golden/policy/" + entry.path().filename().string()));
    }
    return texts;
  }();
  ExpectPolicyOrErrors(Mutated(*rc::gen::elementOf(broken)));
}

}  // namespace
}  // namespace sluice
