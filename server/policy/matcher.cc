#include "policy/matcher.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "core/ip_address.h"
#include "policy/glob.h"
#include "policy/regex.h"

namespace sluice {
namespace {

constexpr size_t kMaxGlob = 1024;

absl::Status BadGlob(absl::string_view pattern, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("glob '", pattern, "': ", why, " (for example *.example.com or v?)"));
}

bool SameSecret(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

class ValueTest {
 public:
  virtual ~ValueTest() = default;
  // Of a value that is not empty.
  virtual bool Holds(absl::string_view value) const = 0;
  virtual bool HoldsOfAbsent() const { return false; }
  virtual absl::Span<const std::string> values() const { return {}; }
};

namespace {

class OneOf final : public ValueTest {
 public:
  explicit OneOf(std::vector<std::string> values) : values_(std::move(values)) {}
  bool Holds(absl::string_view value) const override {
    bool found = false;
    for (const std::string& one : values_) found |= SameSecret(one, value);  // all, always
    return found;
  }
  absl::Span<const std::string> values() const override { return values_; }

 private:
  std::vector<std::string> values_;
};

class StartsWith final : public ValueTest {
 public:
  explicit StartsWith(std::string prefix) : prefix_(std::move(prefix)) {}
  bool Holds(absl::string_view value) const override { return absl::StartsWith(value, prefix_); }

 private:
  std::string prefix_;
};

class LikeGlob final : public ValueTest {
 public:
  explicit LikeGlob(absl::string_view pattern) : pattern_(pattern) {}
  bool Holds(absl::string_view value) const override { return MatchesGlob(pattern_, value); }

 private:
  std::string pattern_;
};

class LikeRegex final : public ValueTest {
 public:
  explicit LikeRegex(Regex regex) : regex_(std::move(regex)) {}
  bool Holds(absl::string_view value) const override { return regex_.Matches(value); }

 private:
  Regex regex_;
};

class InNetworks final : public ValueTest {
 public:
  explicit InNetworks(std::vector<Cidr> networks) : networks_(std::move(networks)) {}
  bool Holds(absl::string_view value) const override {
    const absl::optional<IpAddress> address = IpAddress::Parse(value);
    return address.has_value() &&
           std::any_of(networks_.begin(), networks_.end(),
                       [&](const Cidr& network) { return network.Contains(*address); });
  }

 private:
  std::vector<Cidr> networks_;
};

class IsPresent final : public ValueTest {
 public:
  explicit IsPresent(bool present) : present_(present) {}
  bool Holds(absl::string_view /*value*/) const override { return present_; }
  bool HoldsOfAbsent() const override { return !present_; }

 private:
  bool present_;
};

}  // namespace

Matcher Matcher::Equals(std::string value) { return In({std::move(value)}); }

Matcher Matcher::In(std::vector<std::string> values) {
  return Matcher(std::make_shared<OneOf>(std::move(values)));
}

Matcher Matcher::Prefix(std::string prefix) {
  return Matcher(std::make_shared<StartsWith>(std::move(prefix)));
}

absl::StatusOr<Matcher> Matcher::Glob(absl::string_view pattern) {
  if (pattern.empty()) return BadGlob(pattern, "it is empty");
  if (pattern.size() > kMaxGlob) {
    return BadGlob(absl::StrCat(pattern.substr(0, 32), "..."), "it is longer than 1024 bytes");
  }
  return Matcher(std::make_shared<LikeGlob>(pattern));
}

absl::StatusOr<Matcher> Matcher::Regex(absl::string_view pattern) {
  absl::StatusOr<sluice::Regex> regex = sluice::Regex::Parse(pattern);
  if (!regex.ok()) return regex.status();
  return Matcher(std::make_shared<LikeRegex>(*std::move(regex)));
}

absl::StatusOr<Matcher> Matcher::Cidrs(absl::Span<const std::string> networks) {
  if (networks.empty()) {
    return absl::InvalidArgumentError(
        "there is no network in the list (for example [10.0.0.0/8, fd00::/8])");
  }
  std::vector<Cidr> parsed;
  parsed.reserve(networks.size());
  for (const std::string& text : networks) {
    const absl::StatusOr<Cidr> network = Cidr::Parse(text);
    if (!network.ok()) return network.status();
    parsed.push_back(*network);
  }
  return Matcher(std::make_shared<InNetworks>(std::move(parsed)));
}

Matcher Matcher::Present(bool present) { return Matcher(std::make_shared<IsPresent>(present)); }

bool Matcher::Matches(absl::string_view value) const {
  return value.empty() ? test_->HoldsOfAbsent() : test_->Holds(value);
}

absl::Span<const std::string> Matcher::values() const { return test_->values(); }

}  // namespace sluice
