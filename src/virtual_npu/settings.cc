#include "virtual_npu/settings.h"

#include <vector>

#include "base/env.h"
#include "base/text.h"

namespace ropeway::virtual_npu {

chip::CannVersion chosen_cann() {
  const std::string text = environment("ROPEWAY_VIRTUAL_CANN").value_or("8.1.RC1");
  if (const auto version = chip::cann_version_named(text)) return *version;
  fail(ErrorCode::invalid_argument, "ROPEWAY_VIRTUAL_CANN is '{}'; there is a virtual 7.0.RC1 and an 8.1.RC1", text);
}

bool overflow_saturates() {
  const std::string text = environment("ROPEWAY_VIRTUAL_OVERFLOW").value_or("saturate");
  if (text != "saturate" && text != "infinite") fail(ErrorCode::invalid_argument, "ROPEWAY_VIRTUAL_OVERFLOW is '{}'; it can be saturate or infinite", text);
  return text == "saturate";
}

const chip::Soc& soc_named(const std::string& name) {
  if (const chip::Soc* soc = chip::find_soc(name)) return *soc;
  if (name == "Ascend310B3") fail(ErrorCode::unsupported, "CANN knows an {}, but no board with it and no measurement of it are known here from which its times could be predicted; Ascend310B1 compiles the same operators", name);
  std::vector<std::string> names;
  for (const chip::Soc& soc : chip::socs()) names.emplace_back(soc.name);
  fail(ErrorCode::invalid_argument, "there is no virtual {}; there is {}", name, listed(names));
}

const chip::Soc& chosen_soc() {
  try {
    return soc_named(environment("ROPEWAY_VIRTUAL_SOC").value_or("Ascend310B1"));
  } catch (const Error& error) {
    fail(error.code(), "ROPEWAY_VIRTUAL_SOC: {}", error.message());
  }
}

uint64_t device_memory(const chip::Soc& soc) { return environment_megabytes("ROPEWAY_VIRTUAL_MEMORY").value_or(static_cast<uint64_t>(soc.memory_bytes)); }

Mode chosen_mode() {
  const std::string mode = environment("ROPEWAY_VIRTUAL_MODE").value_or("EP");
  if (mode == "EP") return Mode::card;
  if (mode == "RC") return Mode::board;
  fail(ErrorCode::invalid_argument, "ROPEWAY_VIRTUAL_MODE is '{}'; it may be EP (a card) or RC (the board itself)", mode);
}

}  // namespace ropeway::virtual_npu
