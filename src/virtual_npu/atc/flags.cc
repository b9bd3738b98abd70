#include "virtual_npu/atc/flags.h"

#include <algorithm>

#include "base/text.h"

namespace ropeway::virtual_npu {
namespace {

using enum FlagKind;
constexpr std::string_view kGears = "models of several sizes are not available: compile one for each size, with --input_shape";
constexpr std::string_view kAipp = "preprocessing in the model (AIPP) is not available";
constexpr std::string_view kOnnxAlone = "it converts ONNX models to compiled ones, and nothing else";
constexpr std::string_view kPartly = "of single operators it keeps the precision that the model has, by --keep_dtype, and no other";
constexpr std::string_view kLayout = "its inputs and outputs lie as in the ONNX model";
constexpr std::string_view kCompressed = "its weights lie whole, and in the compiled model";
constexpr std::string_view kOneChip = "its chip is undivided";

constexpr Flag kFlags[] = {
    {"framework", used, &AtcOptions::framework, "", "kind of the model: 5, which is ONNX"},
    {"model", used, &AtcOptions::model, "", "the .onnx file"},
    {"output", used, &AtcOptions::output, "", "where the compiled model goes; .om is added"},
    {"soc_version", used, &AtcOptions::soc_version, "", "the chip, such as Ascend310B1"},
    {"input_shape", used, &AtcOptions::input_shape, "", "sizes of the inputs: \"a:1,3,224,224;b:1,8\""},
    {"input_format", used, &AtcOptions::input_format, "NCHW|NCDHW|ND", "says nothing of an ONNX model"},
    {"precision_mode", used, &AtcOptions::precision_mode, "", "force_fp16 (the default), allow_fp32_to_fp16, must_keep_origin_dtype, force_fp32"},
    {"precision_mode_v2", used, &AtcOptions::precision_mode_v2, "", "in its place: fp16, origin, cube_fp16in_fp32out"},
    {"keep_dtype", used, &AtcOptions::keep_dtype, "", "a file of operators that keep their precision: a name, or OpType::TYPE, a line"},
    {"out_nodes", used, &AtcOptions::out_nodes, "", "results that become the outputs: \"Conv_0:0;Relu_1:0\", or names of outputs"},
    {"output_type", used, &AtcOptions::output_type, "FP32|FP16", "of the floating-point outputs"},
    {"log", used, &AtcOptions::log, "debug|info|warning|error|null", "this atc always says what went wrong"},
    {"mode", used, &AtcOptions::mode, "0", "0: compile"},

    {"op_select_implmode", ignored, nullptr, "high_precision|high_performance|high_precision_for_all|high_performance_for_all"},
    {"optypelist_for_implmode", ignored, nullptr, ""},
    {"op_precision_mode", ignored, nullptr, ""},
    {"buffer_optimize", ignored, nullptr, "l1_optimize|l2_optimize|off_optimize|l1_and_l2_optimize"},
    {"fusion_switch_file", ignored, nullptr, ""},
    {"enable_scope_fusion_passes", ignored, nullptr, ""},
    {"enable_small_channel", ignored, nullptr, "0|1"},
    {"disable_reuse_memory", ignored, nullptr, "0|1"},
    {"atomic_clean_policy", ignored, nullptr, "0|1"},
    {"mdl_bank_path", ignored, nullptr, ""},
    {"op_bank_path", ignored, nullptr, ""},
    {"op_compiler_cache_mode", ignored, nullptr, "enable|disable|force"},
    {"op_compiler_cache_dir", ignored, nullptr, ""},
    {"op_debug_level", ignored, nullptr, "0|1|2|3|4"},
    {"op_debug_config", ignored, nullptr, ""},
    {"debug_dir", ignored, nullptr, ""},
    {"status_check", ignored, nullptr, "0|1"},
    {"check_report", ignored, nullptr, ""},
    {"host_env_os", ignored, nullptr, ""},
    {"host_env_cpu", ignored, nullptr, ""},

    {"dynamic_batch_size", not_here, nullptr, kGears},
    {"dynamic_image_size", not_here, nullptr, kGears},
    {"dynamic_dims", not_here, nullptr, kGears},
    {"input_shape_range", not_here, nullptr, kGears},
    {"input_hint_shape", not_here, nullptr, kGears},
    {"shape_generalized_build_mode", not_here, nullptr, kGears},
    {"insert_op_conf", not_here, nullptr, kAipp},
    {"weight", not_here, nullptr, kOnnxAlone},
    {"singleop", not_here, nullptr, kOnnxAlone},
    {"om", not_here, nullptr, kOnnxAlone},
    {"json", not_here, nullptr, kOnnxAlone},
    {"dump_mode", not_here, nullptr, kOnnxAlone},
    {"save_original_model", not_here, nullptr, kOnnxAlone},
    {"display_model_info", not_here, nullptr, kOnnxAlone},
    {"op_name_map", not_here, nullptr, kOnnxAlone},
    {"customize_dtypes", not_here, nullptr, kPartly},
    {"modify_mixlist", not_here, nullptr, kPartly},
    {"quant_dumpable", not_here, nullptr, kPartly},
    {"input_fp16_nodes", not_here, nullptr, kLayout},
    {"is_input_adjust_hw_layout", not_here, nullptr, kLayout},
    {"is_output_adjust_hw_layout", not_here, nullptr, kLayout},
    {"sparsity", not_here, nullptr, kCompressed},
    {"enable_compress_weight", not_here, nullptr, kCompressed},
    {"compress_weight_conf", not_here, nullptr, kCompressed},
    {"compression_optimize_conf", not_here, nullptr, kCompressed},
    {"external_weight", not_here, nullptr, kCompressed},
    {"aicore_num", not_here, nullptr, kOneChip},
    {"virtual_type", not_here, nullptr, kOneChip},

    {"core_type", not_chip, nullptr, ""},
    {"allow_hf32", not_chip, nullptr, ""},
    {"deterministic", not_chip, nullptr, ""},
    {"enable_single_stream", not_chip, nullptr, ""},
    {"multi_stream_parallel_mode", not_chip, nullptr, ""},
    {"ac_parallel_enable", not_chip, nullptr, ""},
    {"tiling_schedule_optimize", not_chip, nullptr, ""},
    {"cluster_config", not_chip, nullptr, ""},
};

void check_value(const Flag& flag, const std::string& value) {
  if (flag.text.empty()) return;
  const std::vector<std::string> values = split(flag.text, '|');
  if (std::ranges::count(values, value) == 0) refuse_value(flag.name, value, fmt::format("it can be {}{}", listed(values), flag.name == "input_format" ? " for an ONNX model" : ""));
}

}  // namespace

std::span<const Flag> flags() { return kFlags; }

AtcOptions read_flags(std::span<const GivenFlag> given, std::vector<std::string>& warnings) {
  AtcOptions options;
  for (const auto& [name, value] : given) {
    const auto flag = std::ranges::find(kFlags, name, &Flag::name);
    ensure(flag != std::end(kFlags), "the flag --{} is not in the table", name);
    switch (flag->kind) {
      case used:
        check_value(*flag, value);
        options.*flag->field = value;
        break;
      case ignored:
        check_value(*flag, value);
        warnings.push_back(fmt::format("--{}={} is ignored by the virtual atc", name, value));
        break;
      case not_here: fail(ErrorCode::unsupported, "--{}={}: the virtual atc does not have it: {}", name, value, flag->text);
      case not_chip: refuse_value(name, value, fmt::format("the Ascend 310B does not support --{}", name));
    }
  }
  if (options.framework.empty()) fail(ErrorCode::invalid_argument, "E10007: [--framework] is required. The value must be 5 (ONNX), the one that the virtual atc reads.");
  for (const Flag& flag : kFlags) {
    const bool needed = flag.name == "model" || flag.name == "output" || flag.name == "soc_version";
    if (needed && (options.*flag.field).empty()) fail(ErrorCode::invalid_argument, "E10054: The required parameter [--{}] for ATC is empty.", flag.name);
  }
  return options;
}

}  // namespace ropeway::virtual_npu
