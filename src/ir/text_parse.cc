#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <unordered_map>

#include "base/random.h"
#include "base/text.h"
#include "ir/text.h"

namespace ropeway {
namespace {

// Calls f.operator()<T>() with the C++ type that holds an element; bits for f16 and bf16.
template <class F>
void visit_storage(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32: return f.template operator()<float>();
    case DType::f64: return f.template operator()<double>();
    case DType::f16:
    case DType::bf16:
    case DType::u16: return f.template operator()<uint16_t>();
    case DType::i8: return f.template operator()<int8_t>();
    case DType::i16: return f.template operator()<int16_t>();
    case DType::i32: return f.template operator()<int32_t>();
    case DType::i64: return f.template operator()<int64_t>();
    case DType::u8: return f.template operator()<uint8_t>();
    case DType::u32: return f.template operator()<uint32_t>();
    case DType::u64: return f.template operator()<uint64_t>();
    case DType::boolean: return f.template operator()<bool>();
  }
}

// Reads the tokens of one line.
class Line {
 public:
  Line(std::string_view text, int number) : text_(text), number_(number) {}

  template <class... Args>
  [[noreturn]] void wrong(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::invalid_argument, "line {}: {}", number_, fmt::format(format, std::forward<Args>(args)...));
  }

  bool at_end() {
    skip_spaces();
    return at_ == text_.size();
  }
  bool next_is(char wanted) { return !at_end() && text_[at_] == wanted; }
  bool accept(char wanted) {
    if (!next_is(wanted)) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) wrong("'{}' is expected before '{}'", wanted, text_.substr(at_));
  }
  void expect_end() {
    if (!at_end()) wrong("'{}' is left over", text_.substr(at_));
  }

  // A name, quoted or not. `what` says what is wanted here.
  std::string word(const char* what) {
    if (accept('"')) return rest_of_quoted();
    skip_spaces();
    const size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || std::strchr("_.-/", text_[at_]) != nullptr)) ++at_;
    if (at_ == begin) wrong("{} is expected before '{}'", what, text_.substr(at_));
    return std::string(text_.substr(begin, at_ - begin));
  }

  template <class T>
  T number() {
    skip_spaces();
    const char* begin = text_.data() + at_;
    const char* end = text_.data() + text_.size();
    T value{};
    std::from_chars_result result{};
    if constexpr (std::is_floating_point_v<T>) {
      result = std::from_chars(begin, end, value);
    } else {
      const bool hexadecimal = std::is_unsigned_v<T> && end - begin > 2 && begin[0] == '0' && begin[1] == 'x';
      result = std::from_chars(hexadecimal ? begin + 2 : begin, end, value, hexadecimal ? 16 : 10);
    }
    if (result.ec != std::errc{}) wrong("a number that fits is expected before '{}'", text_.substr(at_));
    at_ = static_cast<size_t>(result.ptr - text_.data());
    return value;
  }

  bool boolean() {
    const std::string text = word("true or false");
    if (text != "true" && text != "false") wrong("'{}' is neither true nor false", text);
    return text == "true";
  }

  Ints ints() {
    Ints result;
    expect('[');
    if (accept(']')) return result;
    do result.push_back(number<int64_t>());
    while (accept(','));
    expect(']');
    return result;
  }

  TensorType type() {
    const std::string text = word("a dtype");
    const auto dtype = dtype_named(text);
    if (!dtype) wrong("'{}' is no dtype", text);
    TensorType result{*dtype, ints()};
    try {
      element_count(result.shape);
    } catch (const Error& error) {
      wrong("{}", error.message());
    }
    return result;
  }

 private:
  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }

  std::string rest_of_quoted() {
    std::string result;
    for (;;) {
      if (at_ == text_.size()) wrong("a quoted name does not end");
      const char c = text_[at_++];
      if (c == '"') return result;
      result += c == '\\' ? escaped() : c;
    }
  }
  char escaped() {
    const char c = at_ < text_.size() ? text_[at_++] : '\0';
    if (c == '"' || c == '\\') return c;
    unsigned value = 0;
    const char* begin = text_.data() + at_;
    if (c != 'x' || text_.size() - at_ < 2 || std::from_chars(begin, begin + 2, value, 16).ptr != begin + 2) wrong("only \\\", \\\\ and \\xHH may follow a backslash");
    at_ += 2;
    return static_cast<char>(value);
  }

  std::string_view text_;
  size_t at_ = 0;
  int number_;
};

void read_field(Line& line, bool& into) { into = line.boolean(); }
void read_field(Line& line, int64_t& into) { into = line.number<int64_t>(); }
void read_field(Line& line, double& into) { into = line.number<double>(); }
void read_field(Line& line, Ints& into) { into = line.ints(); }
void read_field(Line& line, std::string& into) { into = line.word("a word"); }
void read_field(Line& line, DType& into) {
  const std::string text = line.word("a dtype");
  const auto dtype = dtype_named(text);
  if (!dtype) line.wrong("'{}' is no dtype", text);
  into = *dtype;
}
template <class Function>
  requires std::is_enum_v<Function>
void read_field(Line& line, Function& into) {
  const std::string text = line.word("a function");
  if (!parse(text, into)) line.wrong("there is no function '{}'", text);
}

// name=value, as long as there are any.
Params read_params(Line& line, Op op) {
  Params params = default_params(op);
  std::visit(
      [&]<class P>(P& p) {
        while (!line.at_end() && !line.next_is(':') && !line.next_is('@')) {
          const std::string wanted = line.word("a parameter, ':' or '@'");
          line.expect('=');
          bool found = false;
          const auto try_each = [&](const auto&... fields) {
            ((fields.name == wanted ? (read_field(line, p.*fields.member), void(found = true)) : void()), ...);
          };
          std::apply(try_each, P::fields());
          if (!found) line.wrong("{} has no parameter '{}'", name(op), wanted);
        }
      },
      params);
  return params;
}

template <class T>
T read_element(Line& line) {
  if constexpr (std::is_same_v<T, bool>) return line.boolean();
  else return line.number<T>();
}

void read_list(Line& line, Tensor& tensor) {
  visit_storage(tensor.dtype(), [&]<class T>() {
    T* elements = reinterpret_cast<T*>(tensor.raw());
    for (int64_t i = 0; i < tensor.count(); ++i) {
      if (i > 0) line.expect(',');
      elements[i] = read_element<T>(line);
    }
  });
  line.expect(']');
}

Tensor read_elements(Line& line, const TensorType& type) {
  if (line.accept('[')) {
    Tensor tensor(type);
    read_list(line, tensor);
    return tensor;
  }
  const std::string kind = line.word("'[', fill, uniform or data");
  line.expect('(');
  Tensor tensor;
  if (kind == "fill") {
    tensor = Tensor(type);
    visit_storage(type.dtype, [&]<class T>() { std::fill_n(reinterpret_cast<T*>(tensor.raw()), tensor.count(), read_element<T>(line)); });
  } else if (kind == "uniform") {
    const std::string stream = line.word("the name of a stream");
    const float scale = line.accept(',') ? line.number<float>() : 1;
    try {
      tensor = uniform_tensor(type, stream, scale);
    } catch (const Error& error) {
      line.wrong("{}", error.message());
    }
  } else if (kind == "data") {
    const std::string hash = line.word("a hash");
    tensor = type.dtype == DType::f32 || type.dtype == DType::f64 ? uniform_tensor(type, hash) : Tensor(type);
  } else {
    line.wrong("'{}' is none of fill, uniform and data", kind);
  }
  line.expect(')');
  return tensor;
}

class Parser {
 public:
  explicit Parser(const InferTypes& infer) : infer_(infer) { graph_.source = "text"; }

  void read(Line& line, bool first) {
    if (!first && line.accept('%')) return read_node(line);
    const std::string keyword = line.word("graph, input, const, output or a value");
    if (first && keyword != "graph") line.wrong("a text begins with 'graph NAME', not with '{}'", keyword);
    if (!first && keyword == "graph") line.wrong("'graph' may only be the first line");
    if (keyword == "graph") {
      graph_.name = line.word("the graph's name");
    } else if (keyword == "input") {
      graph_.inputs.push_back(read_typed_value(line));
    } else if (keyword == "const") {
      const ValueId id = read_typed_value(line);
      line.expect('=');
      graph_.value(id).constant = read_elements(line, graph_.type(id));
    } else if (keyword == "output") {
      line.expect('%');
      graph_.outputs.push_back(known(line, line.word("a value")));
    } else {
      line.wrong("'{}' is none of graph, input, const and output", keyword);
    }
    line.expect_end();
  }

  Graph finish() { return std::move(graph_); }

 private:
  ValueId define(Line& line, const std::string& value, TensorType type) {
    const auto id = static_cast<ValueId>(graph_.values.size());
    if (!ids_.emplace(value, id).second) line.wrong("%{} is defined a second time", value);
    graph_.values.push_back({value, std::move(type), std::nullopt});
    return id;
  }
  ValueId known(Line& line, const std::string& value) const {
    const auto found = ids_.find(value);
    if (found == ids_.end()) line.wrong("%{} is not defined above", value);
    return found->second;
  }

  ValueId read_typed_value(Line& line) {
    line.expect('%');
    const std::string value = line.word("a value");
    line.expect(':');
    return define(line, value, line.type());
  }

  // After the first '%'.
  void read_node(Line& line) {
    std::vector<std::string> outputs;
    do outputs.push_back(line.word("a value"));
    while (line.accept(',') && (line.expect('%'), true));
    line.expect('=');
    Node node;
    const std::string wanted = line.word("an operator");
    const auto op = op_named(wanted);
    if (!op) line.wrong("there is no operator '{}'", wanted);
    node.op = *op;
    node.inputs = read_inputs(line);
    node.params = read_params(line, node.op);
    const std::vector<TensorType> types = read_types(line, node);
    if (types.size() != outputs.size()) line.wrong("{} outputs have {} types", outputs.size(), types.size());
    if (line.accept('@')) read_origin(line, node.origin);
    line.expect_end();
    for (size_t i = 0; i < outputs.size(); ++i) node.outputs.push_back(define(line, outputs[i], types[i]));
    graph_.nodes.push_back(std::move(node));
  }

  std::vector<ValueId> read_inputs(Line& line) const {
    std::vector<ValueId> inputs;
    line.expect('(');
    if (line.accept(')')) return inputs;
    do {
      if (line.accept('%')) {
        inputs.push_back(known(line, line.word("a value")));
      } else if (line.word("a value or _") == "_") {
        inputs.push_back(kNoValue);
      } else {
        line.wrong("an input is written %name, or _ when it is left out");
      }
    } while (line.accept(','));
    line.expect(')');
    return inputs;
  }

  std::vector<TensorType> read_types(Line& line, const Node& node) const {
    std::vector<TensorType> types;
    if (line.accept(':')) {
      do types.push_back(line.type());
      while (line.accept(','));
      return types;
    }
    if (!infer_) line.wrong("the types of the outputs are missing: write ': f32[1,2]'");
    std::vector<const TensorType*> inputs;
    for (const ValueId id : node.inputs) inputs.push_back(id == kNoValue ? nullptr : &graph_.type(id));
    try {
      return infer_(node.op, node.params, inputs);
    } catch (const Error& error) {
      line.wrong("{}", error.message());
    }
  }

  // path (node), either of which may be missing.
  static void read_origin(Line& line, Origin& origin) {
    if (!line.next_is('(')) origin.modules.push_back({line.word("a module's path"), ""});
    if (!line.accept('(')) return;
    origin.node = line.word("a node's name");
    line.expect(')');
  }

  const InferTypes& infer_;
  Graph graph_;
  std::unordered_map<std::string, ValueId> ids_;
};

}  // namespace

Graph parse_graph(std::string_view text, const InferTypes& infer) {
  Parser parser(infer);
  int number = 0;
  bool first = true;
  for (const std::string& each : split(text, '\n')) {
    Line line(each, ++number);
    if (line.at_end() || line.next_is('#')) continue;
    parser.read(line, first);
    first = false;
  }
  if (first) fail(ErrorCode::invalid_argument, "the text of a graph is empty: it begins with 'graph NAME'");
  return parser.finish();
}

Tensor uniform_tensor(TensorType type, std::string_view name, float scale) {
  if (type.dtype == DType::f16 || type.dtype == DType::bf16) fail(ErrorCode::unsupported, "uniform({}) cannot fill {}: use f32 and a Cast", name, to_string(type));
  Tensor tensor(std::move(type));
  const uint64_t seed = stream_seed(name);
  visit_storage(tensor.dtype(), [&]<class T>() {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      if (!(std::fabs(scale) <= static_cast<float>(std::numeric_limits<T>::max() / 2))) fail(ErrorCode::invalid_argument, "uniform({}, {}) is beyond {}", name, scale, ropeway::name(tensor.dtype()));
    }
    T* elements = reinterpret_cast<T*>(tensor.raw());
    for (int64_t i = 0; i < tensor.count(); ++i) {
      const float value = scale * random_uniform(seed, static_cast<uint64_t>(i));
      if constexpr (std::is_same_v<T, bool>) {
        elements[i] = value > 0;
      } else {
        elements[i] = static_cast<T>(std::is_unsigned_v<T> ? std::fabs(value) : value);
      }
    }
  });
  return tensor;
}

}  // namespace ropeway
