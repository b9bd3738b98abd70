#include "formats/onnx/node_writer.h"

#include <protozero/pbf_writer.hpp>

#include <algorithm>
#include <functional>
#include <limits>

#include "base/text.h"
#include "formats/onnx/tensors.h"
#include "ops/convert.h"
#include "ops/shape_util.h"

namespace ropeway::onnx {
namespace {

// Field numbers of NodeProto and AttributeProto, and the numbers of AttributeType, in onnx.proto.
enum : protozero::pbf_tag_type { kNodeInput = 1, kNodeOutput = 2, kNodeName = 3, kNodeOpType = 4, kNodeAttribute = 5 };
enum : protozero::pbf_tag_type { kName = 1, kF = 2, kI = 3, kS = 4, kInts = 8, kType = 20 };
enum : int32_t { kFloat = 1, kInt = 2, kString = 3, kIntList = 7 };

class NodeWriter {
 public:
  NodeWriter(const Graph& graph, const Node& node, Names& names) : graph_(graph), node_(node), operator_(name(node.op)), names_(names) {}

  std::string described_operator() {
    describe();
    return operator_;
  }

  std::string write(const std::string& node_name) {
    for (const ValueId id : node_.inputs) inputs_.push_back(id == kNoValue ? "" : names_.value(id));
    while (!inputs_.empty() && inputs_.back().empty()) inputs_.pop_back();  // runtimes stumble over a last input without a name
    describe();
    std::string bytes;
    protozero::pbf_writer writer(bytes);
    for (const std::string& input : inputs_) writer.add_string(kNodeInput, input);
    for (const ValueId id : node_.outputs) writer.add_string(kNodeOutput, names_.value(id));
    writer.add_string(kNodeName, node_name);
    writer.add_string(kNodeOpType, operator_);
    for (const std::string& attribute : attributes_) writer.add_message(kNodeAttribute, attribute);
    return bytes;
  }

 private:
  // Operator, attributes and further inputs, where they are not as in the graph.
  void describe() {
    switch (node_.op) {
      case Op::Conv: return conv();
      case Op::ConvTranspose: return conv_transpose();
      case Op::MaxPool:
      case Op::AveragePool: return pool();
      case Op::MaxPoolIndices: return refuse("the indices of a MaxPool are left to the CPU: CANN's parser has no operator for them");
      case Op::AdaptiveAveragePool: return adaptive_pool();
      case Op::BatchNormalization: return attribute("epsilon", node_.get<EpsilonParams>().epsilon);
      case Op::LayerNormalization:
        attribute("axis", node_.get<NormParams>().axis);
        return attribute("epsilon", node_.get<NormParams>().epsilon);
      case Op::Gemm: return gemm();
      case Op::Softmax:
      case Op::LogSoftmax:
      case Op::Concat:
      case Op::Gather:
      case Op::GatherElements: return attribute("axis", node_.get<AxisParams>().axis);
      case Op::GatherND: return attribute("batch_dims", node_.get<BatchDimsParams>().batch_dims);
      case Op::ScatterElements:
        attribute("axis", node_.get<ScatterParams>().axis);
        return attribute("reduction", node_.get<ScatterParams>().reduction);
      case Op::ArgMax:
      case Op::ArgMin:
        attribute("axis", node_.get<ArgParams>().axis);
        return attribute("keepdims", int64_t{node_.get<ArgParams>().keepdims});
      case Op::TopK:
        attribute("axis", node_.get<TopKParams>().axis);
        attribute("largest", int64_t{node_.get<TopKParams>().largest});
        return input(Ints{node_.get<TopKParams>().k});
      case Op::CumSum: return cumulative_sum();
      case Op::Resize: return resize();
      case Op::Unary: return unary();
      case Op::Binary: return binary();
      case Op::Reduce: return reduce();
      case Op::Cast: return attribute("to", data_type_of(node_.get<CastParams>().to));
      case Op::Dropout:
        if (node_.get<DropoutParams>().training_mode) refuse("dropout in training mode, which draws random numbers");
        operator_ = "Identity";
        return;
      case Op::Reshape:
        if (std::ranges::count(shape_param(), 0) > 0) attribute("allowzero", int64_t{1});  // else a 0 is the input's size there
        return input(shape_param());
      case Op::Expand: return input(shape_param());
      case Op::Transpose: return attribute("perm", node_.get<PermParams>().perm);
      case Op::Split: return split();
      case Op::Slice: return slice();
      case Op::Pad: return pad();
      case Op::MatMul:
      case Op::Where:
      case Op::Identity: return;
      case Op::ScaledDotProductAttention: return refuse("an operator of opset 23; lower_to_onnx17 writes it out");
    }
  }

  const Ints& shape_param() const { return node_.get<ShapeParams>().shape; }
  const TensorType& type(size_t input) const { return graph_.type(node_.inputs[input]); }

  [[noreturn]] void refuse(const std::string& why) const { fail(ErrorCode::unsupported, "{} at {} cannot be written as ONNX opset 17: {}", name(node_.op), to_string(node_.origin), why); }

  void add_attribute(const char* attribute_name, int32_t attribute_type, const std::function<void(protozero::pbf_writer&)>& content) {
    std::string bytes;
    protozero::pbf_writer writer(bytes);
    writer.add_string(kName, attribute_name);
    content(writer);
    writer.add_int32(kType, attribute_type);
    attributes_.push_back(std::move(bytes));
  }
  void attribute(const char* attribute_name, int64_t value) {
    add_attribute(attribute_name, kInt, [&](protozero::pbf_writer& writer) { writer.add_int64(kI, value); });
  }
  void attribute(const char* attribute_name, double value) {
    add_attribute(attribute_name, kFloat, [&](protozero::pbf_writer& writer) { writer.add_float(kF, static_cast<float>(value)); });
  }
  void attribute(const char* attribute_name, const std::string& value) {
    add_attribute(attribute_name, kString, [&](protozero::pbf_writer& writer) { writer.add_string(kS, value); });
  }
  void attribute(const char* attribute_name, const Ints& values) {
    add_attribute(attribute_name, kIntList, [&](protozero::pbf_writer& writer) {
      for (const int64_t value : values) writer.add_int64(kInts, value);
    });
  }

  void input(const Tensor& tensor) { inputs_.push_back(names_.initialiser(tensor)); }
  void input(const Ints& values) { input(Tensor::of<int64_t>({std::ssize(values)}, values)); }
  Tensor scalar(double value) const { return convert(Tensor::of<double>({}, {value}), type(0).dtype); }

  void conv() {
    const auto& p = node_.get<ConvParams>();
    const Shape& weight = type(1).shape;
    attribute("kernel_shape", Ints(weight.begin() + 2, weight.end()));
    window(p.strides, p.pads, p.dilations);
    attribute("group", p.group);
  }

  void conv_transpose() {
    const auto& p = node_.get<ConvTransposeParams>();
    const Shape& weight = type(1).shape;
    attribute("kernel_shape", Ints(weight.begin() + 2, weight.end()));
    window(p.strides, p.pads, p.dilations);
    attribute("output_padding", p.output_padding);
    attribute("group", p.group);
  }

  void window(const Ints& strides, const Ints& pads, const Ints& dilations) {
    attribute("strides", strides);
    attribute("pads", pads);
    if (!dilations.empty()) attribute("dilations", dilations);
  }

  void pool() {
    const auto& p = node_.get<PoolParams>();
    if (p.ceil_mode || p.divisor != 0) refuse("rounding up and divisors differ; lower_to_onnx17 writes them out");
    const bool average = node_.op == Op::AveragePool;
    if (average && std::any_of(p.dilations.begin(), p.dilations.end(), [](int64_t dilation) { return dilation != 1; })) refuse("average pools have dilations since opset 19");
    attribute("kernel_shape", p.kernel_shape);
    window(p.strides, p.pads, average ? Ints{} : p.dilations);
    if (average) attribute("count_include_pad", int64_t{p.count_include_pad});
  }

  void adaptive_pool() {
    const Ints& sizes = node_.get<AdaptivePoolParams>().output_size;
    if (!std::all_of(sizes.begin(), sizes.end(), [](int64_t size) { return size == 1; })) refuse("only size 1 is an operator of ONNX; lower_to_onnx17 writes others out");
    operator_ = "GlobalAveragePool";
  }

  void gemm() {
    const auto& p = node_.get<GemmParams>();
    attribute("alpha", p.alpha);
    attribute("beta", p.beta);
    attribute("transA", int64_t{p.transA});
    attribute("transB", int64_t{p.transB});
  }

  void unary() {
    const auto& p = node_.get<UnaryParams>();
    operator_ = onnx_name(p.function);
    switch (p.function) {
      case UnaryFunction::clip: return clip(p);
      case UnaryFunction::leaky_relu:
      case UnaryFunction::elu: return attribute("alpha", p.alpha);
      case UnaryFunction::hard_sigmoid:
        attribute("alpha", p.alpha);
        return attribute("beta", p.beta);
      case UnaryFunction::silu:
      case UnaryFunction::gelu:
      case UnaryFunction::gelu_tanh:
      case UnaryFunction::mish:
      case UnaryFunction::rsqrt: return refuse("a newer operator, or none; lower_to_onnx17 writes it out");
      default: return;
    }
  }

  void binary() {
    const BinaryFunction function = node_.get<BinaryParams>().function;
    operator_ = onnx_name(function);
    // Of whole numbers it has the divisor's sign, of others the dividend's; lower_to_onnx17 sees to it that these have none.
    if (function == BinaryFunction::mod && is_float(type(0).dtype)) attribute("fmod", int64_t{1});
  }

  // A limit that is infinite is left out.
  void clip(const UnaryParams& p) {
    const bool low = p.alpha > -std::numeric_limits<double>::infinity(), high = p.beta < std::numeric_limits<double>::infinity();
    if (low) input(scalar(p.alpha));
    else if (high) inputs_.emplace_back();
    if (high) input(scalar(p.beta));
  }

  // In opset 17 only ReduceSum takes its axes as an input.
  void reduce() {
    const auto& p = node_.get<ReduceParams>();
    operator_ = onnx_name(p.function);
    attribute("keepdims", int64_t{p.keepdims});
    if (p.function == ReduceFunction::sum) input(p.axes);
    else attribute("axes", p.axes);
  }

  void cumulative_sum() {
    const auto& p = node_.get<CumSumParams>();
    input(Tensor::of<int64_t>({}, {p.axis}));
    attribute("exclusive", int64_t{p.exclusive});
    attribute("reverse", int64_t{p.reverse});
  }

  // By sizes, or by scales where these are not the ratio of the sizes.
  void resize() {
    const auto& p = node_.get<ResizeParams>();
    const Shape& x = type(0).shape;
    attribute("mode", p.mode);
    attribute("coordinate_transformation_mode", std::string(p.mode == "nearest" ? "asymmetric" : p.align_corners ? "align_corners" : "half_pixel"));
    if (p.mode == "nearest") attribute("nearest_mode", std::string("floor"));
    inputs_.emplace_back();  // the region, of another mode
    if (p.scale_h == 0 && p.scale_w == 0) {
      inputs_.emplace_back();
      return input(Ints{x[0], x[1], p.output_size[0], p.output_size[1]});
    }
    std::vector<float> scales = {1, 1};
    for (size_t d = 0; d < 2; ++d) {
      const double given = d == 0 ? p.scale_h : p.scale_w, size = static_cast<double>(x[d + 2]);
      scales.push_back(static_cast<float>(given > 0 ? given : static_cast<double>(p.output_size[d]) / size));
      if (static_cast<int64_t>(static_cast<float>(x[d + 2]) * scales.back()) != p.output_size[d]) refuse("its scale does not give its size");
    }
    input(Tensor::of<float>({4}, scales));
  }

  void split() {
    const auto& p = node_.get<SplitParams>();
    attribute("axis", p.axis);
    input(p.split);
  }

  void slice() {
    const auto& p = node_.get<SliceParams>();
    Ints ends = p.ends, axes;
    for (size_t i = 0; i < ends.size(); ++i) {
      axes.push_back(static_cast<int64_t>(i));
      if (ends[i] < 0) ends[i] = std::numeric_limits<int64_t>::min();  // before the first element, where -1 would be the last
    }
    for (const Ints& values : {p.starts, ends, axes, p.steps}) input(values);
  }

  void pad() {
    const auto& p = node_.get<PadParams>();
    if (p.mode == "wrap") refuse("Pad has the mode wrap since opset 19; lower_to_onnx17 writes it out where nothing is cropped");
    attribute("mode", p.mode);
    input(p.pads);
    if (p.mode == "constant") input(scalar(p.value));
  }

  const Graph& graph_;
  const Node& node_;
  std::string operator_;
  Names& names_;
  std::vector<std::string> inputs_, attributes_;
};

// For a node that is only looked at.
class NoNames final : public Names {
 public:
  const std::string& value(ValueId) const override { return none_; }
  std::string initialiser(const Tensor&) override { return none_; }

 private:
  const std::string none_;
};

}  // namespace

std::string written_operator(const Graph& graph, const Node& node) {
  NoNames none;
  return NodeWriter(graph, node, none).described_operator();
}

std::string write_node(const Graph& graph, const Node& node, const std::string& node_name, Names& names) { return NodeWriter(graph, node, names).write(node_name); }

}  // namespace ropeway::onnx
