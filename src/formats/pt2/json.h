// JSON as torch writes it, read from a file that nobody vouches for.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/text.h"

namespace ropeway {

using Json = nlohmann::json;

// Throws Error{invalid_model} when the text is no JSON, names a key twice in one object, or is nested or sized beyond reason. `what` names it in messages.
Json parse_json(std::string_view text, const std::string& what);

// Calls `f`, which takes members of JSON values with `at`, `get` and `get_ref`; what is missing or of another kind becomes Error{invalid_model} that begins with `what`.
template <class F>
decltype(auto) reading(const std::string& what, F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (const Json::exception& error) {
    fail(ErrorCode::invalid_model, "{} is not as torch.export.save writes it: {}", what, error.what());
  }
}

// The one member of an object such as {"as_int": 3}: torch's tagged unions.
struct Tagged {
  const std::string& tag;
  const Json& value;
};
// Throws Error{invalid_model} unless there is exactly one member.
Tagged tagged(const Json& object);

// The member, or nullptr when it is missing or null.
const Json* member(const Json& object, const char* key);

// A number. JSON has no infinity and no NaN: torch writes them as words. Throws Error{invalid_model} for other words.
double number_of(const Json& value);

}  // namespace ropeway
