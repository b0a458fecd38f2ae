#include "backend/redis/login.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "backend/redis/router.h"
#include "tests/fakes/temp_folder.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(LoginTest, NothingIsSaidWithoutAPassword) {
  EXPECT_EQ(*AuthCommand({"", "", ""}), "");
  EXPECT_EQ(*AuthCommand({"bob", "", ""}), "");
}

TEST(LoginTest, SaysTheUserWhenThereIsOne) {
  EXPECT_EQ(*AuthCommand({"", "secret", ""}), FormatCommand({"AUTH", "secret"}));
  EXPECT_EQ(*AuthCommand({"bob", "secret", ""}), FormatCommand({"AUTH", "bob", "secret"}));
}

TEST(LoginTest, AFileLosesOneLineBreakAtItsEnd) {
  const TempFolder folder;
  for (const char* end : {"", "\n", "\r\n"}) {
    const std::string path = folder.Write("password", std::string("a b\nc ") + end);
    EXPECT_EQ(*AuthCommand({"", "not this", path}), FormatCommand({"AUTH", "a b\nc "}));
  }
}

TEST(LoginTest, AFileThatHoldsNoPasswordIsNamedAndNotQuoted) {
  const TempFolder folder;
  const std::string longest = std::string(4096, 's');
  EXPECT_TRUE(AuthCommand({"", "", folder.Write("longest", longest)}).ok());
  for (const std::string& path : {folder.Write("long", longest + "s"), folder.Write("empty", "\n"),
                                  folder / "nothing", folder.path().string()}) {
    const absl::Status status = AuthCommand({"", "", path}).status();
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(path), Not(HasSubstr("sss"))));
  }
}

}  // namespace
}  // namespace sluice
