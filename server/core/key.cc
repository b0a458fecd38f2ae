#include "core/key.h"

// To hash a short name takes no longer than to call into a library.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <random>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/digest.h"

namespace sluice {
namespace {

constexpr size_t kMaxEncodedPart = 128;
constexpr size_t kHashBytes = 16;
constexpr char kUpperHex[] = "0123456789ABCDEF";

// Where the names stand in Fingerprint::low.
constexpr int kNameBits = 28;
constexpr uint64_t kNameMask = (uint64_t{1} << kNameBits) - 1;
constexpr int kTenantShift = 8;
constexpr int kThrottleShift = kTenantShift + kNameBits;
constexpr uint64_t kKeyMask = (uint64_t{1} << kTenantShift) - 1;

void AppendPart(absl::InlinedVector<char, 128>& out, absl::string_view part) {
  const uint32_t size = static_cast<uint32_t>(part.size());
  const size_t at = out.size();
  out.resize(at + sizeof(size) + part.size());
  std::memcpy(out.data() + at, &size, sizeof(size));
  if (!part.empty()) std::memcpy(out.data() + at + sizeof(size), part.data(), part.size());
}

absl::string_view TakePart(absl::string_view& bytes) {
  uint32_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof(size));
  const absl::string_view part = bytes.substr(sizeof(size), size);
  bytes.remove_prefix(sizeof(size) + size);
  return part;
}

bool NeedsEscape(unsigned char c) {
  return c == '%' || c == ':' || c == '{' || c == '}' || c < 0x20 || c >= 0x7f;
}

}  // namespace

std::string EncodeKeyPart(absl::string_view part) {
  std::string out;
  out.reserve(part.size());
  for (size_t i = 0; i < part.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(part[i]);
    // A leading `~` marks a hash, so a literal one is encoded.
    if (NeedsEscape(c) || (c == '~' && i == 0)) {
      out.push_back('%');
      out.push_back(kUpperHex[c >> 4]);
      out.push_back(kUpperHex[c & 15]);
    } else {
      out.push_back(static_cast<char>(c));
    }
  }
  if (out.size() <= kMaxEncodedPart) return out;
  const std::string hash = Sha256(part).substr(0, kHashBytes);
  return absl::StrCat("~", absl::AsciiStrToUpper(absl::BytesToHexString(hash)));
}

HashSecret HashSecret::Random() {
  HashSecret secret;
  std::random_device device;
  for (unsigned char& byte : secret.bytes_) byte = static_cast<unsigned char>(device());
  return secret;
}

HashSecret HashSecret::FromSeed(uint64_t seed) {
  HashSecret secret;
  std::mt19937_64 generator(seed);
  for (unsigned char& byte : secret.bytes_) byte = static_cast<unsigned char>(generator());
  return secret;
}

Fingerprint HashSecret::Hash(absl::string_view bytes) const {
  const XXH128_hash_t hash =
      XXH3_128bits_withSecret(bytes.data(), bytes.size(), bytes_.data(), bytes_.size());
  return {hash.high64, hash.low64};
}

uint32_t HashSecret::HashName(absl::string_view name) const {
  const XXH64_hash_t hash =
      XXH3_64bits_withSecret(name.data(), name.size(), bytes_.data(), bytes_.size());
  return static_cast<uint32_t>(hash >> (64 - kNameBits));
}

KeyScope::KeyScope(absl::optional<std::string> throttle, absl::optional<std::string> tenant,
                   const HashSecret& secret)
    : throttle_(std::move(throttle)), tenant_(std::move(tenant)) {
  if (throttle_.has_value()) {
    mask_ |= kNameMask << kThrottleShift;
    names_ |= uint64_t{secret.HashName(*throttle_)} << kThrottleShift;
  }
  if (tenant_.has_value()) {
    mask_ |= kNameMask << kTenantShift;
    names_ |= uint64_t{secret.HashName(*tenant_)} << kTenantShift;
  }
}

std::string FallbackThrottle(absl::string_view backend, absl::string_view throttle) {
  return absl::StrCat("fallback:", backend, ":", throttle);
}

CounterKey::CounterKey(const KeyParts& parts, const HashSecret& secret) {
  AppendPart(bytes_, parts.name_space);
  AppendPart(bytes_, parts.tenant);
  AppendPart(bytes_, parts.tag);
  AppendPart(bytes_, parts.throttle);
  AppendPart(bytes_, parts.shape);
  for (const auto& [key, value] : parts.splits) {
    AppendPart(bytes_, key);
    AppendPart(bytes_, value);
  }
  fingerprint_ = secret.Hash(bytes());
  fingerprint_.low = uint64_t{secret.HashName(parts.throttle)} << kThrottleShift |
                     uint64_t{secret.HashName(parts.tenant)} << kTenantShift |
                     (fingerprint_.low & kKeyMask);
}

CounterKey CounterKey::ForFallback(absl::string_view backend, const HashSecret& secret) const {
  absl::string_view rest = bytes();
  KeyParts parts;
  parts.name_space = TakePart(rest);
  parts.tenant = TakePart(rest);
  parts.tag = TakePart(rest);
  const std::string throttle = FallbackThrottle(backend, TakePart(rest));
  parts.throttle = throttle;
  parts.shape = TakePart(rest);
  absl::InlinedVector<std::pair<absl::string_view, absl::string_view>, 4> splits;
  while (!rest.empty()) {
    const absl::string_view key = TakePart(rest);
    splits.emplace_back(key, TakePart(rest));
  }
  parts.splits = splits;
  return CounterKey(parts, secret);
}

std::string CounterKey::ToString(HashTag hash_tag) const {
  absl::string_view rest = bytes();
  const std::string name_space = EncodeKeyPart(TakePart(rest));
  const std::string tenant = EncodeKeyPart(TakePart(rest));
  const std::string tag = EncodeKeyPart(TakePart(rest));
  const std::string throttle = EncodeKeyPart(TakePart(rest));
  const std::string shape = EncodeKeyPart(TakePart(rest));
  std::string out = hash_tag == HashTag::kTenant
                        ? absl::StrCat("{", name_space, ":", tenant, "}:", tag, ":", throttle)
                        : absl::StrCat("{", name_space, ":", tenant, ":", tag, "}:", throttle);
  while (!rest.empty()) {
    const absl::string_view key = TakePart(rest);
    const absl::string_view value = TakePart(rest);
    // Only the first `=` parts the two, so that `a=b`,`c` and `a`,`b=c` do not meet here either.
    const std::string name = absl::StrReplaceAll(EncodeKeyPart(key), {{"=", "%3D"}});
    absl::StrAppend(&out, ":", name, "=", EncodeKeyPart(value));
  }
  absl::StrAppend(&out, ":", shape);
  return out;
}

}  // namespace sluice
