#!/usr/bin/env python3
"""Makes src/chip/operators.def from the lists of what CANN 8.1.RC1 has for the 310B.

    tools/chip_operators.py FOLDER > src/chip/operators.def

FOLDER holds three lists of facts:
    onnx_to_ge.tsv        ONNX operator, GE operators that the parser builds for it, opsets: Ascend's operator plug-ins of mid-2022 (Apache-2.0)
    aicore_ops_310b.tsv   GE operators of the AI Core with their dtypes: the operator information library of CANN 8.1.RC1
    aicpu_ops_310b.txt    GE operators of the AI CPU, likewise; their dtypes are not in it
What the lists are silent about stands below, each with its reason.
"""
import csv
import sys
from pathlib import Path

NEWEST_OF_LIST, NEWEST = 15, 18  # the plug-ins of the list end at 15; atc's manual names 11 to 18

# Of several GE operators the one that computes; the others shape, pad or cast for it, or serve other ranks.
HEAD = {
    "ArgMax": "ArgMaxV2", "ArgMin": "ArgMin", "AveragePool": "AvgPoolV2", "BitShift": "LeftShift", "Clip": "ClipByValue", "Compress": "GatherV2", "Concat": "ConcatD",
    "ConstantOfShape": "Fill", "Conv": "Conv2D", "ConvTranspose": "Conv2DTranspose", "EyeLike": "MatrixDiagV2", "Gather": "GatherV2", "GlobalAveragePool": "GlobalAveragePool",
    "LpNormalization": "LpNorm", "LpPool": "AvgPoolV2", "Max": "Maximum", "MaxPool": "MaxPoolV3", "MaxUnpool": "ScatterElements", "Mean": "AccumulateNV2", "Min": "Minimum",
    "Multinomial": "Multinomial", "NonMaxSuppression": "NonMaxSuppressionV6", "OneHot": "OneHot", "Pad": "PadV3", "RandomNormal": "RandomStandardNormal",
    "RandomNormalLike": "RandomStandardNormal", "RandomUniform": "RandomUniform", "RandomUniformLike": "RandomUniform", "ReduceLogSum": "ReduceSum", "ReduceLogSumExp": "ReduceSum",
    "Resize": "ResizeBilinearV2", "RoiAlign": "ROIAlign", "Slice": "StridedSliceV2", "Split": "SplitV", "Squeeze": "Squeeze", "ThresholdedRelu": "Threshold", "TopK": "TopK",
    "Trilu": "Tril", "Unsqueeze": "Unsqueeze", "Upsample": "Resize", "Xor": "BitwiseXor",
}
# Besides those: of images with depth, and two that users of eager torch_npu met.
MORE = {"Conv3D", "Conv3DTranspose", "MaxPool3D", "MaxPoolWithArgmaxV1", "DropOutDoMask"}
# The input whose dtype decides, where it is not the first.
DATA_INPUT = {"Conv2DTranspose": "x", "Conv3DTranspose": "x", "Fill": "value", "SelectV2": "then"}

# ONNX operators newer than the list's plug-ins: a parser for LayerNormalization is seen at work in an account of a model of opset 17 that atc takes and of opset 11
# that it does not.
NEWER = [("LayerNormalization", 17, NEWEST, "LayerNorm")]
# Those of which nothing was found.
UNKNOWN = [("GridSample", 16), ("BlackmanWindow", 17), ("DFT", 17), ("HammingWindow", 17), ("HannWindow", 17), ("MelWeightMatrix", 17), ("STFT", 17), ("SequenceMap", 17),
           ("BitwiseAnd", 18), ("BitwiseNot", 18), ("BitwiseOr", 18), ("BitwiseXor", 18), ("CenterCropPad", 18), ("Col2Im", 18), ("GroupNormalization", 18), ("Mish", 18)]

# GE operators that neither list has, but that compile all the same: graph fusion replaces them.
FUSED = {
    "Const": "a constant is no operator",
    "GlobalAveragePool": "compiled ResNets have it; torch_npu asks for ReduceMean in its place",
    "AdaptiveAvgPool2d": "torch_npu issues it",
    "ExpandDims": "another shape of the same elements, as Unsqueeze, which is listed",
}

# Operators whose dtypes the list leaves to their code ("dynamicFormat"): assumed, from what the chip computes with and from operators of their kind that say it.
ALL_KINDS = "f32 f16 i8 i16 i32 i64 u8 u16 u32 u64 bool"
ASSUMED = {
    # The vector unit adds and multiplies these; Sub, which says it, has int64 and bytes too.
    "Add": "f32 f16 i32", "Mul": "f32 f16 i32", "RealDiv": "f32 f16 i32", "PRelu": "f32 f16", "Cos": "f32 f16", "Reciprocal": "f32 f16", "SquareSumV1": "f32 f16",
    # The convolution's documentation takes float32, and says that it is computed in float16; products are offered float32.
    "Conv2D": "f32 f16 i8", "MatMulV2": "f32 f16 i8", "BatchMatMulV2": "f32 f16 i8",
    "MaxPool3D": "f16",  # as MaxPool
    "SoftmaxV2": "f32 f16", "LayerNorm": "f32 f16", "DropOutDoMask": "f32 f16",
    "ConcatD": ALL_KINDS, "SpaceToDepth": ALL_KINDS, "PadV3": "f32 f16 i8 i32 u8", "Resize": "f32 f16",
}

NAMES = {"float": "f32", "float32": "f32", "float16": "f16", "bfloat16": "bf16", "double": "f64", "bool": "bool", "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64",
         "uint8": "u8", "uint16": "u16", "uint32": "u32", "uint64": "u64"}
ORDER = "f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64 bool".split()


def rows(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]


def dtypes_of(name, inputs):
    """The dtypes of the input that decides; None when the list leaves them open."""
    wanted = DATA_INPUT.get(name)
    for text in inputs.split(" ; "):
        input_name, _, rest = text.partition(":")
        if wanted in (None, input_name):
            listed = rest.partition("|")[0]
            if listed == "(dynamicFormat)":
                return None
            found = {NAMES[each] for each in listed.split(",") if each in NAMES}
            return " ".join(each for each in ORDER if each in found)
    sys.exit(f"{name} has no input {wanted}")


def onnx_rows(table):
    """name → [first opset, last opset, GE operators with the one that computes first]."""
    result = {}
    for _, name, operators, opsets in table:
        first, last = map(int, opsets.split("-"))
        last = NEWEST if last == NEWEST_OF_LIST else last
        known = result.setdefault(name, [first, last, []])
        known[0], known[1] = min(known[0], first), max(known[1], last)
        known[2] += [each for each in operators.split("+") if each not in known[2]]
    for name, row in result.items():
        kinds = [each for each in row[2] if each != "Const"]
        head = HEAD.get(name, kinds[0] if len(kinds) == 1 else None)
        if head is None or head not in kinds:
            sys.exit(f"{name}: which of {kinds} computes?")
        row[2] = [head] + sorted(each for each in kinds if each != head)
    for name, first, last, operator in NEWER:
        result[name] = [first, last, [operator]]
    result["Constant"] = [1, NEWEST, ["Const"]]
    for name, first in UNKNOWN:
        result[name] = [first, NEWEST, []]
    return result


def ge_row(name, core, cpu):
    dtypes = core.get(name, "")
    if dtypes is None and name not in ASSUMED:
        sys.exit(f"{name}: the list leaves its dtypes open")
    return f'ROPEWAY_GE({name}, "{ASSUMED[name] if dtypes is None else dtypes}", {"assumed" if dtypes is None else "listed"}, {str(name in cpu).lower()})'


def main(folder):
    folder = Path(folder)
    core = {row[0]: dtypes_of(row[0], row[1]) for row in rows(folder / "aicore_ops_310b.tsv") if row[1]}
    cpu = set((folder / "aicpu_ops_310b.txt").read_text().split())
    onnx = onnx_rows(rows(folder / "onnx_to_ge.tsv"))
    lists = {
        "ONNX": [f'ROPEWAY_ONNX({name}, {first}, {last}, "{" ".join(operators)}")' for name, (first, last, operators) in sorted(onnx.items())],
        "GE": [ge_row(name, core, cpu) for name in sorted({each for row in onnx.values() for each in row[2][:1]} | MORE) if name in core or name in cpu],
        "FUSED": [f'ROPEWAY_FUSED({name}, "{evidence}")' for name, evidence in sorted(FUSED.items())],
    }
    print("""// What CANN has for the 310B: made by tools/chip_operators.py, which names the lists it is made from, and the reasons for what they leave open. Not to be edited.
//   ROPEWAY_ONNX(operator, first opset, last opset, GE operators of its parser, the one that computes first; "": nothing is known)
//   ROPEWAY_GE(operator, dtypes on the AI Core, "": it is not there; whether they are listed or assumed, whether the AI CPU has it)
//   ROPEWAY_FUSED(GE operator that neither engine lists, evidence that it compiles)""")
    for kind, lines in lists.items():
        print("\n".join([f"\n#ifdef ROPEWAY_{kind}", *lines, "#endif"]))


if __name__ == "__main__":
    main(sys.argv[1])
