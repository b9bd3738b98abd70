#include "engine/devices.h"

#include "ascend/backend.h"
#include "base/text.h"
#include "cann/installation.h"
#include "cann/om.h"
#include "cpu/backend.h"

namespace ropeway {
namespace {

// A compiled model's maker; nothing for everything else.
std::optional<cann::OmMaker> maker_of(const std::string& model) {
  std::error_code ignored;
  if (model.empty() || !std::filesystem::is_regular_file(model, ignored)) return std::nullopt;
  return cann::om_maker(File(model));
}

std::shared_ptr<const Backend> make_npu_backend(const char* device, const SessionOptions& options) {
  const chip::PrecisionMode precision = npu_precision(options.precision);
  return std::make_shared<ascend::AscendBackend>(npu_installation(device), precision, options.precision == "auto");
}

std::shared_ptr<const Backend> make_cpu(const SessionOptions& options) {
  const bool half_weights = options.precision == "fp16";
  if (!half_weights && !options.precision.empty() && options.precision != "fp32") fail(ErrorCode::invalid_argument, "the CPU has no precision '{}'; there is fp32, its default, and fp16, which stores weights in 16 bits. Others are an NPU's: choose one with --device", options.precision);
  return make_cpu_backend(options.threads, half_weights);
}

const DeviceRow& find_row(const std::string& name) {
  std::vector<std::string> names;
  for (const DeviceRow& row : devices()) {
    if (name == row.name) return row;
    names.emplace_back(row.name);
  }
  names.emplace_back("auto");
  fail(ErrorCode::invalid_argument, "there is no device '{}'; there is {}", name, listed(names));
}

}  // namespace

cann::Installation npu_installation(const std::string& device) {
  if (device == "npu") {
    const cann::Search search = cann::find_installation();
    if (search.found) return *search.found;
    fail(ErrorCode::device, "there is no CANN on this machine. Looked for it in:\n  {}\nInstall CANN, or set ASCEND_HOME_PATH to where it is. Without an NPU, --device virtual-npu predicts what one would do", fmt::join(search.looked, "\n  "));
  }
  if (device != "virtual-npu") fail(ErrorCode::invalid_argument, "{} takes no compiled models: choose npu or virtual-npu", device.empty() ? "cpu" : device);
  const cann::Search search = cann::find_virtual_installation();
  if (search.found) return *search.found;
  fail(ErrorCode::device, "the virtual CANN is not where it belongs. Looked in:\n  {}\nSet ROPEWAY_VIRTUAL_HOME to the folder virtual-cann of a build of Ropeway", fmt::join(search.looked, "\n  "));
}

chip::PrecisionMode npu_precision(const std::string& precision) {
  if (precision.empty() || precision == "auto") return chip::PrecisionMode::force_fp16;
  if (const auto mode = chip::precision_mode_named(precision)) return *mode;
  if (const auto mode = chip::precision_mode_v2_named(precision)) return *mode;
  fail(ErrorCode::invalid_argument, "an NPU has no precision '{}'; there is fp16, auto, allow_fp32_to_fp16, must_keep_origin_dtype and force_fp32", precision);
}

const std::vector<DeviceRow>& devices() {
  static const std::vector<DeviceRow> rows = {
      {"cpu", "this machine's processor, fp32; weights in 16 bits with --precision fp16", make_cpu},
      {"npu", "an Ascend 310B NPU, through CANN", [](const SessionOptions& options) { return make_npu_backend("npu", options); }},
      {"virtual-npu", "a predicted Ascend 310B NPU, through Ropeway's virtual CANN", [](const SessionOptions& options) { return make_npu_backend("virtual-npu", options); }},
  };
  return rows;
}

std::optional<std::string> why_auto_is_cpu() {
  if (!cann::find_installation().found) return std::nullopt;
  const std::string why = why_unusable(find_row("npu"));
  return why.empty() ? std::nullopt : std::optional(why);
}

std::string why_unusable(const DeviceRow& row) {
  try {
    row.make({});
    return "";
  } catch (const Error& error) {
    if (error.code() != ErrorCode::device) throw;
    return error.what();
  }
}

std::string resolve_device(const std::string& device, const std::string& model) {
  if (!device.empty() && device != "auto") return find_row(device).name;
  if (const auto maker = maker_of(model)) return *maker == cann::OmMaker::virtual_atc ? "virtual-npu" : "npu";
  return device == "auto" && why_unusable(find_row("npu")).empty() ? "npu" : "cpu";
}

bool is_compiled_model(const std::string& model) { return maker_of(model).has_value(); }

std::shared_ptr<const Backend> make_backend(const SessionOptions& options, const std::string& model) {
  try {
    return find_row(resolve_device(options.device, model)).make(options);
  } catch (Error& error) {
    if (maker_of(model) == cann::OmMaker::cann) error.add_note(fmt::format("while looking for a device for {}, which was compiled by CANN's atc: only a real NPU can run it", model));
    throw;
  }
}

}  // namespace ropeway
