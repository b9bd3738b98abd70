#include "doctor/symptoms.h"

#include <algorithm>

#include "base/text.h"
#include "cann/errors.h"
#include "cann/installation.h"

namespace ropeway::doctor {
namespace {

constexpr const char* kReadLog = "grep -rh ERROR ~/ascend/log/debug /var/log/npu/slog/debug 2>/dev/null | tail -20";

// From CANN's documentation and what its users report.
const std::vector<Symptom>& table() {
  using namespace cann;
  static const std::vector<Symptom> rows = {
      {"driver-library", {}, {"libascend_hal.so: cannot open", "libdrvdsmi", "libdcmi.so: cannot open"}, "the driver's libraries are not on the loader's path, or the driver is not installed",
       "export LD_LIBRARY_PATH=/usr/local/Ascend/driver/lib64:/usr/local/Ascend/driver/lib64/common:/usr/local/Ascend/driver/lib64/driver:$LD_LIBRARY_PATH"},
      {"library", {}, {"cannot open shared object file"}, "CANN's environment is not set in this shell, or CANN is not installed; Ropeway needs no script, PyTorch's torch_npu and other programs do", "source $CANN/set_env.sh"},
      {"stub", {ACL_ERROR_COMPILING_STUB_MODE}, {}, "libraries for linking (devlib, lib64/stub) are loaded at run time", "export LD_LIBRARY_PATH=$CANN/lib64:$LD_LIBRARY_PATH"},
      {"no-device", {ACL_ERROR_RT_INVALID_DEVICEID, ACL_ERROR_RT_NO_DEVICE}, {"driver may not be loaded"}, "the device's number is wrong, or the driver is not loaded", "lsmod | grep drv; ls -l /dev/davinci*; npu-smi info"},
      {"permission", {ACL_ERROR_RT_NO_PERMISSION}, {"/dev/davinci"}, "this user may not use the NPU's device nodes: it is not in their group, or a container lacks them", "sudo usermod -aG HwHiAiUser $USER"},
      {"no-context", {ACL_ERROR_RT_CONTEXT_NULL}, {}, "a thread uses CANN that has no context of its own", "aclrtSetCurrentContext(context);  // first in every thread, or aclrtSetDevice(0)"},
      {"initialised-twice", {ACL_ERROR_REPEAT_INITIALIZE}, {}, "aclInit was called before in this process, perhaps by torch_npu or OpenCV", "if (code == ACL_ERROR_REPEAT_INITIALIZE) code = ACL_SUCCESS;  // after aclInit"},
      {"model-path", {ACL_ERROR_INVALID_FILE, ACL_ERROR_READ_MODEL_FAILURE, ACL_ERROR_GE_EXEC_MODEL_PATH_INVALID}, {}, "the model's file is not there, or may not be read", "ls -l MODEL.om"},
      {"damaged-model", {ACL_ERROR_DESERIALIZE_MODEL, ACL_ERROR_PARSE_MODEL, ACL_ERROR_MODEL_MISSING_ATTR, ACL_ERROR_GE_LOAD_MODEL}, {}, "the .om is damaged, or was compiled by a CANN newer than the one that runs it", kCompileElsewhere},
      {"other-chip", {ACL_ERROR_RT_TASK_TYPE_NOT_SUPPORT, ACL_ERROR_RT_SOC_VERSION}, {}, "the .om was compiled for another chip, or the driver is too old for it", kCompileElsewhere},
      {"operators-path", {ACL_ERROR_INVALID_OPP_PATH}, {"E40001"}, "ASCEND_OPP_PATH, where CANN's operators are, is not set or wrong", "export ASCEND_OPP_PATH=$CANN/opp"},
      {"python-packages", {ACL_ERROR_FAILURE}, {"EH9999", "E40020", "No module named", "build op model failed"}, "the Python that atc uses lacks packages of its operator compiler",
       "python3 -m pip install attrs cython numpy decorator sympy cffi pyyaml pathlib2 psutil protobuf scipy requests absl-py"},
      {"python-version", {}, {"E40002"}, "the Python that atc uses is older than 3.7.5", "sudo apt install python3 python3-pip"},
      {"operator-compiler", {}, {"E20001", "E40021", "Failed to compile Op"}, "an operator could not be compiled for its shapes, or its compiler lacks Python packages: the log says which", kReadLog},
      {"no-parser", {}, {"E19010", "No parser is registered"}, "CANN's reader of ONNX does not know an operator of the model, or not in its opset: export with opset 11 to 18, or rewrite that part", "ropeway run MODEL --device cpu"},
      {"atc-flag", {}, {"E10001"}, "a flag of atc has a value that it cannot have: the text behind the code names it", "atc --help"},
      {"no-kernel", {}, {"EZ3002", "EZ3003", "No supported Ops kernel"}, "the chip has no such operator, or not for this type: rewrite that part of the model, or run it on the CPU", "ropeway run MODEL --device cpu"},
      {"compiler-memory", {}, {"EOFError", "atc was killed", "Out of memory: Killed process", "MemoryError"}, "atc ran out of memory, as it does on boards: compile on a PC (ropeway compile), or with one worker here", "export MAX_COMPILE_CORE_NUMBER=1 TE_PARALLEL_COMPILER=1"},
      {"old-driver", {ACL_ERROR_RT_FEATURE_NOT_SUPPORT}, {"EE1015"}, "the driver is older than CANN needs; driver and firmware are upgraded together",
       "sudo ./Ascend-hdk-310b-npu-driver_VERSION_linux-$ARCH.run --upgrade && sudo ./Ascend-hdk-310b-npu-firmware_VERSION.run --upgrade && sudo reboot"},
      {"device-memory", {ACL_ERROR_RT_MEMORY_ALLOCATION, ACL_ERROR_RT_DEVICE_OOM}, {}, "the device has no memory left; a board shares it with Linux and its desktop", "npu-smi info; free -h; sudo systemctl isolate multi-user.target"},
      {"core-fault", {ACL_ERROR_RT_AICORE_TIMEOUT, ACL_ERROR_RT_AICORE_EXCEPTION, ACL_ERROR_RT_MODEL_EXECUTE}, {}, "an operator of the model failed, or did not end, on the chip's core", kReadLog},
      {"cpu-operator-fault", {ACL_ERROR_RT_AICPU_TIMEOUT, ACL_ERROR_RT_AICPU_EXCEPTION}, {}, "an operator that the chip computes on its control CPU failed, or took too long (28 s on a board): rewrite it", kReadLog},
      {"kernels-package", {ACLNN_ERR_INNER_OPP_KERNEL_PKG_NOT_FOUND, ACLNN_ERR_INNER_FIND_KERNEL_ERROR, ACLNN_ERR_INNER_OPP_PATH_NOT_FOUND}, {}, "single operators (aclnn, torch_npu) need CANN's kernels package; compiled models do not",
       "sudo ./Ascend-cann-kernels-310b_VERSION_linux-$ARCH.run --install"},
      {"old-torch-npu", {}, {"Unsupported soc version"}, "this torch_npu is too old to know the chip", "python3 -m pip install --upgrade torch_npu"},
  };
  return rows;
}

bool shows(const Symptom& row, const std::string& text, const std::vector<cann::aclError>& codes) {
  const auto is_in_text = [&](const char* part) { return text.find(part) != std::string::npos; };
  const auto is_in_codes = [&](cann::aclError code) { return std::find(codes.begin(), codes.end(), code) != codes.end(); };
  return std::any_of(row.texts.begin(), row.texts.end(), is_in_text) || std::any_of(row.codes.begin(), row.codes.end(), is_in_codes);
}

}  // namespace

std::span<const Symptom> symptoms() { return table(); }

const Symptom& symptom(std::string_view id) {
  for (const Symptom& row : table()) {
    if (row.id == id) return row;
  }
  fail(ErrorCode::internal, "there is no symptom {}", id);
}

std::vector<cann::aclError> codes_in(const std::string& text) {
  constexpr size_t kDigits = 6;
  std::vector<cann::aclError> codes;
  const auto is_word = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = begin;
    while (end < text.size() && is_word(text[end])) ++end;
    const std::string word = text.substr(begin, end - begin);
    // A part of a longer number, such as a time's fraction, is none.
    if (word.size() != kDigits || word.find_first_not_of("0123456789") != std::string::npos || (begin > 0 && text[begin - 1] == '.')) continue;
    const cann::aclError code = std::stoi(word);
    if (cann::is_listed(code) && std::find(codes.begin(), codes.end(), code) == codes.end()) codes.push_back(code);
  }
  return codes;
}

std::vector<const Symptom*> symptoms_in(const std::string& text) {
  const std::vector<cann::aclError> codes = codes_in(text);
  std::vector<const Symptom*> result;
  for (const Symptom& row : table()) {
    if (shows(row, text, codes)) result.push_back(&row);
  }
  // What is said of any library goes for the driver's too, but says less.
  if (result.size() > 1 && std::string_view(result[0]->id) == "driver-library") std::erase(result, &symptom("library"));
  return result;
}

std::string fix_of(const Symptom& symptom, const std::string& root) {
  std::string fix = symptom.fix;
  for (const auto& [variable, value] : {std::pair<std::string, std::string>{"$CANN", root}, {"$ARCH", cann::Machine{}.architecture()}}) {
    for (size_t at = fix.find(variable); at != std::string::npos; at = fix.find(variable, at + value.size())) fix.replace(at, variable.size(), value);
  }
  return fix;
}

std::string explain(const std::string& text, const std::string& root) {
  std::string result;
  std::vector<cann::aclError> codes = codes_in(text);
  for (const Symptom* const row : symptoms_in(text)) {
    std::vector<std::string> titles = {row->id}, helps;
    for (const cann::aclError code : row->codes) {
      if (std::erase(codes, code) == 0) continue;
      titles.push_back(cann::describe(code));
      const std::string remedy = cann::remedy(code);
      if (!remedy.empty() && std::find(helps.begin(), helps.end(), remedy) == helps.end()) helps.push_back(remedy);
    }
    result += fmt::format("{}\n  cause: {}\n{}  fix: {}\n", fmt::join(titles, ", "), row->cause, helps.empty() ? "" : fmt::format("  helps: {}\n", fmt::join(helps, "; ")), fix_of(*row, root));
  }
  for (const cann::aclError code : codes) {
    const std::string remedy = cann::remedy(code);
    result += fmt::format("{}\n  {}\n", cann::describe(code), remedy.empty() ? "no remedy is known; CANN's own text (aclGetRecentErrMsg, its log) says more" : "helps: " + remedy);
  }
  return result;
}

}  // namespace ropeway::doctor
