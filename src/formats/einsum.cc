#include "formats/einsum.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <numeric>

#include "base/text.h"

namespace ropeway {
namespace {

// A letter; or a dimension that an ellipsis stands for, from the last one (-1) backwards.
using Labels = std::vector<int>;

bool has(const Labels& labels, int label) { return std::find(labels.begin(), labels.end(), label) != labels.end(); }

struct Term {
  ValueId id = kNoValue;
  Labels labels;  // by dimension
};

// One operand's part of an equation. `ellipsis`: how many dimensions "..." stands for.
Labels parse_labels(const std::string& text, int64_t ellipsis) {
  Labels labels;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 3, "...") == 0) {
      for (int64_t d = -ellipsis; d < 0; ++d) labels.push_back(static_cast<int>(d));
      i += 2;
    } else if (std::isalpha(static_cast<unsigned char>(text[i])) != 0) {
      labels.push_back(text[i]);
    } else {
      fail(ErrorCode::invalid_model, "'{}' is no part of an einsum's equation", text);
    }
  }
  return labels;
}

int64_t count_letters(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; });
}

class Einsum {
 public:
  Einsum(const Emitter& emit, std::string equation, const std::vector<ValueId>& operands) : emit_(emit), equation_(std::move(equation)) {
    std::erase(equation_, ' ');
    const size_t arrow = equation_.find("->");
    const std::vector<std::string> parts = split(equation_.substr(0, arrow), ',');
    if (parts.size() != operands.size() || parts.empty()) fail(ErrorCode::invalid_model, "einsum '{}' of {} operands", equation_, operands.size());
    int64_t widest = 0;
    for (size_t i = 0; i < parts.size(); ++i) widest = std::max(widest, add_term(parts[i], operands[i]));
    output_ = arrow == std::string::npos ? implicit_output(parts, widest) : parse_labels(equation_.substr(arrow + 2), widest);
    check_output();
    for (Term& term : terms_) drop_broadcast(term);
  }

  std::vector<ValueId> run() {
    Term sum = terms_[0];
    for (size_t i = 1; i < terms_.size(); ++i) {
      Labels kept = output_;
      for (size_t later = i + 1; later < terms_.size(); ++later) kept.insert(kept.end(), terms_[later].labels.begin(), terms_[later].labels.end());
      sum = product(sum, terms_[i], kept);
    }
    sum = summed(sum, output_);
    return emit_.result(Op::Transpose, PermParams{order(sum, output_)}, {sum.id});
  }

 private:
  // Returns how many dimensions its ellipsis stands for.
  int64_t add_term(const std::string& part, ValueId id) {
    const Shape& shape = emit_.shape_of(id);
    const bool open = part.find("...") != std::string::npos;
    const int64_t ellipsis = open ? std::ssize(shape) - count_letters(part) : 0;
    Term term{id, parse_labels(part, std::max<int64_t>(0, ellipsis))};
    if (term.labels.size() != shape.size()) fail(ErrorCode::invalid_model, "einsum '{}': {} does not have the dimensions '{}'", equation_, to_string(emit_.type_of(id)), part);
    for (size_t d = 0; d < shape.size(); ++d) {
      const int label = term.labels[d];
      if (std::count(term.labels.begin(), term.labels.end(), label) > 1) fail(ErrorCode::unsupported, "einsum '{}': a diagonal ('{}') is not supported. Take it with torch.diagonal", equation_, part);
      int64_t& size = sizes_.emplace(label, 1).first->second;
      if (size != 1 && shape[d] != 1 && size != shape[d]) fail(ErrorCode::invalid_model, "einsum '{}': a dimension is {} and {}", equation_, size, shape[d]);
      if (shape[d] != 1) size = shape[d];
    }
    terms_.push_back(std::move(term));
    return ellipsis;
  }

  // Without an arrow: the ellipsis, then the letters that stand once, by the alphabet.
  Labels implicit_output(const std::vector<std::string>& parts, int64_t ellipsis) const {
    std::string letters;
    for (const std::string& part : parts) letters += part;
    std::erase(letters, '.');
    std::string once;
    for (const char letter : letters) {
      if (std::count(letters.begin(), letters.end(), letter) == 1) once += letter;
    }
    std::sort(once.begin(), once.end());
    return parse_labels("..." + once, ellipsis);
  }

  void check_output() const {
    for (const int label : output_) {
      const bool known = sizes_.contains(label) && std::count(output_.begin(), output_.end(), label) == 1;
      if (!known) fail(ErrorCode::invalid_model, "einsum '{}': its result names a dimension twice, or one that no operand has", equation_);
    }
  }

  // A dimension of size 1 that others have longer says nothing.
  void drop_broadcast(Term& term) const {
    Labels labels;
    Shape shape;
    for (size_t d = 0; d < term.labels.size(); ++d) {
      const int64_t size = emit_.shape_of(term.id)[d];
      if (size != sizes_.at(term.labels[d])) continue;
      labels.push_back(term.labels[d]);
      shape.push_back(size);
    }
    if (labels.size() != term.labels.size()) term = {emit_.reshape(term.id, shape), labels};
  }

  Term summed(const Term& term, const Labels& kept) const {
    ReduceParams params{ReduceFunction::sum, {}, false};
    Labels labels;
    for (size_t d = 0; d < term.labels.size(); ++d) {
      if (has(kept, term.labels[d])) labels.push_back(term.labels[d]);
      else params.axes.push_back(static_cast<int64_t>(d));
    }
    return params.axes.empty() ? term : Term{emit_.step(Op::Reduce, params, {term.id}), labels};
  }

  static Ints order(const Term& term, const Labels& labels) {
    Ints perm;
    for (const int label : labels) perm.push_back(std::find(term.labels.begin(), term.labels.end(), label) - term.labels.begin());
    return perm;
  }

  ValueId ordered(const Term& term, const Labels& labels, Shape shape) const {
    const Ints perm = order(term, labels);
    const ValueId turned = std::is_sorted(perm.begin(), perm.end()) ? term.id : emit_.step(Op::Transpose, PermParams{perm}, {term.id});
    return emit_.shape_of(turned) == shape ? turned : emit_.reshape(turned, std::move(shape));
  }

  int64_t size_of_all(const Labels& labels) const {
    Shape sizes;
    for (const int label : labels) sizes.push_back(sizes_.at(label));
    return element_count(sizes);
  }

  // Labels of both that are kept are a batch of products; those of both that are not are summed in them; each one's own stay.
  Term product(Term a, Term b, const Labels& kept) const {
    const auto join = [](std::initializer_list<const Labels*> lists) {
      Labels all;
      for (const Labels* list : lists) all.insert(all.end(), list->begin(), list->end());
      return all;
    };
    a = summed(a, join({&kept, &b.labels}));
    b = summed(b, join({&kept, &a.labels}));
    Labels batch, inner, own_a, own_b;
    for (const int label : a.labels) (!has(b.labels, label) ? own_a : has(kept, label) ? batch : inner).push_back(label);
    for (const int label : b.labels) {
      if (!has(a.labels, label)) own_b.push_back(label);
    }
    const int64_t m = size_of_all(own_a), k = size_of_all(inner), n = size_of_all(own_b);
    Shape left = {m, k}, right = {k, n}, result;
    if (!batch.empty()) {
      left.insert(left.begin(), size_of_all(batch));
      right.insert(right.begin(), size_of_all(batch));
    }
    const ValueId x = ordered(a, join({&batch, &own_a, &inner}), left), y = ordered(b, join({&batch, &inner, &own_b}), right);
    // With nothing to sum, k is 1 and the product is that of elements.
    const ValueId matrices = inner.empty() ? emit_.step(Op::Binary, BinaryParams{BinaryFunction::mul}, {x, y}) : emit_.step(Op::MatMul, NoParams{}, {x, y});
    const Labels labels = join({&batch, &own_a, &own_b});
    for (const int label : labels) result.push_back(sizes_.at(label));
    return {emit_.reshape(matrices, result), labels};
  }

  const Emitter& emit_;
  std::string equation_;
  std::vector<Term> terms_;
  std::map<int, int64_t> sizes_;
  Labels output_;
};

}  // namespace

std::vector<ValueId> einsum(const Emitter& emit, const std::string& equation, const std::vector<ValueId>& operands) { return Einsum(emit, equation, operands).run(); }

}  // namespace ropeway
