// What the cost model sees of a model: a JSON line per operator of the compiled model, for bench/calibrate.py.
//   bench_cost_model MODEL...
#include <fmt/format.h>

#include <cstdio>

#include "chip/cost_model.h"
#include "formats/formats.h"
#include "formats/onnx/onnx.h"
#include "formats/onnx/writer.h"
#include "passes/lower.h"
#include "passes/pipeline.h"

// The graph as the virtual atc has it, after the way through ONNX.
static ropeway::Graph as_compiled(const std::string& model) {
  using namespace ropeway;
  Graph graph = lower_to_onnx17(run_passes(read_model(model, {}), pipeline(), {}));
  return run_passes(read_onnx(write_onnx(graph), model, {}), pipeline(), {});
}

int main(int argc, char** argv) {
  const ropeway::Soc& soc = *ropeway::find_soc("Ascend310B1");
  fmt::print("{{\"soc\": \"{}\", \"cube_flops\": {}, \"vector_bytes\": {}, \"dram_gb_per_s\": {}, \"launch_us\": {}}}\n", soc.name, soc.cube_flops(), soc.vector_bytes(), soc.dram_gb_per_s, soc.launch_us);
  for (int i = 1; i < argc; ++i) {
    const ropeway::Graph graph = as_compiled(argv[i]);
    for (const ropeway::OperatorCost& cost : ropeway::compiled_cost(graph, soc)) {
      const ropeway::Node& node = graph.nodes[static_cast<size_t>(cost.nodes[0])];
      fmt::print("{{\"model\": {}, \"operator\": \"{}\", \"nodes\": {}, \"bound\": \"{}\", \"cube_flops\": {}, \"vector_bytes\": {}, \"dram_bytes\": {}, \"ms\": {}}}\n", i - 1, name(node.op), cost.nodes.size(),
                 name(cost.bound), cost.cube_flops, cost.vector_bytes, cost.dram_bytes, cost.ms);
    }
  }
}
