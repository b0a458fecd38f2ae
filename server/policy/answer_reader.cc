#include "policy/answer_reader.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "strategy/params.h"

namespace sluice {
namespace {

constexpr size_t kMaxHeader = 256;
constexpr size_t kMaxHeaders = 32;
constexpr size_t kMaxBody = 64 << 10;

// A field name of RFC 9110 is a token.
bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::string_view("!#$%&'*+-.^_`|~").find(c) != absl::string_view::npos;
  });
}

bool IsPrintable(absl::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); });
}

absl::optional<std::string> ReadHeaderName(FileReader& file, Field field) {
  absl::optional<std::string> name = file.Text(field);
  if (!name.has_value() || (IsToken(*name) && name->size() <= kMaxHeader)) return name;
  file.Refuse(*field.node, absl::StrCat(Found(*field.node), " is not a header's name"),
              "for example X-Quota");
  return absl::nullopt;
}

std::vector<std::pair<std::string, std::string>> ReadHeaderMap(FileReader& file, Field field) {
  std::vector<std::pair<std::string, std::string>> headers;
  if (!file.IsMap(field, absl::StrCat("'", field.name, "'"))) return headers;
  for (const YamlNode::Entry& entry : field.node->entries) {
    absl::optional<std::string> name = ReadHeaderName(file, {"header", entry.key});
    const absl::string_view of = name.has_value() ? absl::string_view(*name) : "header";
    if (LooksSecret(of)) file.Conceal(*entry.value);
    absl::optional<std::string> value = file.Text({of, entry.value});
    if (!name.has_value() || !value.has_value()) continue;
    if (!IsPrintable(*value) || value->size() > kMaxHeader) {
      file.Refuse(*entry.value, absl::StrCat("'", *name, "' is not printable, or too long"),
                  absl::StrCat("at most ", kMaxHeader, " bytes without control characters"));
    }
    headers.emplace_back(*std::move(name), *std::move(value));
  }
  if (headers.size() > kMaxHeaders) {
    file.Refuse(*field.node, absl::StrCat("'", field.name, "' has too many headers"),
                absl::StrCat("at most ", kMaxHeaders));
  }
  return headers;
}

HeaderPolicy::When ReadWhen(FileReader& file, Field field) {
  using When = HeaderPolicy::When;
  return file
      .Choice<When>(field,
                    {{"never", When::kOff}, {"denied", When::kDenied}, {"always", When::kAlways}})
      .value_or(When::kAlways);
}

void ReadBelow(FileReader& file, Field field, HeaderPolicy& headers) {
  const absl::optional<std::string> text = file.Text(field);
  if (!text.has_value()) return;
  const absl::optional<int64_t> share = ParseMillionths(*text);
  if (share.has_value() && *share <= kMillion) {
    headers.below = *share;
  } else {
    file.Refuse(*field.node,
                absl::StrCat("'below' must be a share from 0 to 1, found ", Found(*field.node)),
                "for example 0.1: when less than a tenth is left");
  }
}

void ReadNames(FileReader& file, Field field, HeaderPolicy& headers) {
  MapReader names(file, field, "names");
  headers.limit_name = ReadHeaderName(file, names.Find("limit")).value_or(headers.limit_name);
  headers.remaining_name =
      ReadHeaderName(file, names.Find("remaining")).value_or(headers.remaining_name);
  headers.reset_name = ReadHeaderName(file, names.Find("reset")).value_or(headers.reset_name);
  names.Finish();
}

}  // namespace

HeaderPolicy ReadHeaders(FileReader& file, Field field) {
  using Format = HeaderPolicy::Format;
  HeaderPolicy headers;
  if (!field) return headers;
  if (field.node->kind != YamlNode::Kind::kMap) {
    headers.when = ReadWhen(file, field);
    return headers;
  }
  MapReader map(file, field, "headers");
  headers.when = ReadWhen(file, map.Find("when"));
  headers.format = file.Choice<Format>(map.Find("format"), {{"classic", Format::kClassic},
                                                            {"ietf", Format::kIetf},
                                                            {"both", Format::kBoth}})
                       .value_or(headers.format);
  ReadBelow(file, map.Find("below"), headers);
  ReadNames(file, map.Find("names"), headers);
  headers.extra = ReadHeaderMap(file, map.Find("extra"));
  headers.reset_in_ms = file.Flag(map.Find("reset_ms")).value_or(false);
  map.Finish();
  return headers;
}

DenialResponse ReadResponse(FileReader& file, Field field) {
  DenialResponse response;
  MapReader map(file, field, "response");
  response.status =
      static_cast<int>(file.Whole(map.Find("status"), 400, 599).value_or(response.status));
  const Field type = map.Find("content_type");
  response.content_type = file.Name(type).value_or(response.content_type);
  const Field body = map.Find("body");
  response.body = file.Text(body).value_or("");
  if (response.body.size() > kMaxBody) {
    file.Refuse(*body.node, "'body' is too long", absl::StrCat("at most ", kMaxBody, " bytes"));
  }
  response.headers = ReadHeaderMap(file, map.Find("headers"));
  map.Finish();
  return response;
}

}  // namespace sluice
