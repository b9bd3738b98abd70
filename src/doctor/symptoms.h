// What users of CANN see when something is wrong, why, and the way out.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cann/types.h"

namespace ropeway::doctor {

struct Symptom {
  const char* id;
  std::vector<cann::aclError> codes;  // of CANN's functions; cann::remedy has the way out in words
  std::vector<const char*> texts;     // parts of what is printed
  const char* cause;
  const char* fix;  // a command; $ARCH in it is this machine's architecture, $CANN the installation's root, as after CANN's environment script $ASCEND_HOME_PATH is
};
std::span<const Symptom> symptoms();
const Symptom& symptom(std::string_view id);  // throws Error{internal} when there is none

// The rows that `text` (a code, a line of a log, an error message) shows, in the table's order.
std::vector<const Symptom*> symptoms_in(const std::string& text);

// The codes of CANN in `text`: numbers of six digits that it lists.
std::vector<cann::aclError> codes_in(const std::string& text);

// The symptom's command for a root.
std::string fix_of(const Symptom& symptom, const std::string& root);

// What `ropeway doctor TEXT` says: a paragraph for every symptom and listed code in `text`; "" when nothing is known of it.
std::string explain(const std::string& text, const std::string& root);

}  // namespace ropeway::doctor
