"""Writes test/fixtures/goldens/solvers/oracle.json: what GPTQ, AWQ and SmoothQuant make of two small linears with one
input, computed in float64 by the formulas of the papers and in the most literal way (numpy 2 or later).

    python tools/goldens/make-solver-oracle.py

GPTQ (arXiv 2210.17323) here is the plain optimal-brain-surgeon recursion: after every column the inverse Hessian loses
that column by one step of Gaussian elimination. No Cholesky factor, no lazy batches. AWQ (arXiv 2306.00978): scales
mean|x|^ratio over 20 ratios, then limits of 1 to 0.5 times the largest magnitude for each group, both by the output
error. SmoothQuant (arXiv 2211.10438): max|x|^alpha / max|w|^(1 - alpha).
"""
import base64
import json
import pathlib

import numpy as np

TARGET = pathlib.Path(__file__).resolve().parents[2] / "test" / "fixtures" / "goldens" / "solvers" / "oracle.json"
COLUMNS, TOKENS, GROUP = 48, 160, 16
ROWS = [24, 10]
random = np.random.default_rng(20261123)


def quantize(values, scale, bits):
    """Nearest code on the symmetric grid of 2^bits codes."""
    half = 2 ** (bits - 1)
    return np.clip(np.rint(values / scale), -half, half - 1)


def scale_of(values, bits):
    """The largest magnitude falls on 2^(bits - 1) - 1."""
    largest = np.abs(values).max()
    return largest / (2 ** (bits - 1) - 1) if largest > 0 else 1.0


def round_all(weights, bits, group, limits=None):
    codes, scales = np.zeros_like(weights), np.zeros((weights.shape[0], weights.shape[1] // group))
    for row in range(weights.shape[0]):
        for g in range(scales.shape[1]):
            part = slice(g * group, (g + 1) * group)
            values = weights[row, part]
            if limits is not None:
                values = np.clip(values, -limits[row, g], limits[row, g])
            scales[row, g] = scale_of(values, bits)
            codes[row, part] = quantize(values, scales[row, g], bits)
    return codes, scales


def dequantize(codes, scales, group):
    return codes * np.repeat(scales, group, axis=1)


def output_error(difference, gram):
    return float(np.einsum("ri,ij,rj->", difference, gram, difference))


def gptq(weights, gram, bits, group, activation_order, damp=0.01):
    n = weights.shape[1]
    diagonal = np.diag(gram).copy()
    hessian = gram.copy()
    dead = diagonal == 0
    weights = np.where(dead, 0.0, weights)
    hessian[dead, dead] = 1
    hessian += np.eye(n) * damp * np.where(dead, 1.0, diagonal).mean()
    order = np.argsort(-diagonal, kind="stable") if activation_order else np.arange(n)
    codes = np.zeros_like(weights)
    _, scales = round_all(weights, bits, group)
    rest, inverse = weights.copy(), np.linalg.inv(hessian)
    for column in order:
        g = column // group
        if not activation_order and column % group == 0:
            for row in range(weights.shape[0]):
                scales[row, g] = scale_of(rest[row, column:column + group], bits)
        codes[:, column] = quantize(rest[:, column], scales[:, g], bits)
        error = (rest[:, column] - codes[:, column] * scales[:, g]) / inverse[column, column]
        rest -= np.outer(error, inverse[column])
        rest[:, column] = 0
        inverse = inverse - np.outer(inverse[:, column], inverse[column]) / inverse[column, column]
        # Rows and columns already walked are exactly 0 by then, but for rounding.
        inverse[column, :] = 0
        inverse[:, column] = 0
    return codes, scales


def awq(linears, gram, mean_abs, bits, group):
    best, least = None, np.inf
    for k in range(20):
        scales = np.ones(COLUMNS) if k == 0 else np.maximum(mean_abs ** (k / 20), 1e-4)
        if k > 0:
            scales = scales / np.sqrt(scales.min() * scales.max())
        error = 0
        for weights in linears:
            codes, steps = round_all(weights * scales, bits, group)
            error += output_error(dequantize(codes, steps, group) / scales - weights, gram)
        if error < least:
            best, least = scales, error
    solved = []
    for weights in linears:
        scaled = weights * best
        limits = np.zeros((weights.shape[0], COLUMNS // group))
        for row in range(weights.shape[0]):
            for g in range(limits.shape[1]):
                part = slice(g * group, (g + 1) * group)
                values, block = scaled[row, part], gram[part, part] / np.outer(best[part], best[part])
                found = np.inf
                for shrink in range(11):
                    limit = np.abs(values).max() * (1 - shrink / 20)
                    cut = np.clip(values, -limit, limit)
                    step = scale_of(cut, bits)
                    difference = quantize(cut, step, bits) * step - values
                    error = difference @ block @ difference
                    if error < found:
                        found, limits[row, g] = error, limit
        solved.append(round_all(scaled, bits, group, limits))
    return best, solved


def smooth(linears, amax, alpha):
    largest = np.max([np.abs(weights).max(axis=0) for weights in linears], axis=0)
    scales = amax ** alpha / largest ** (1 - alpha)
    return np.where((amax == 0) | (largest == 0), 1.0, np.maximum(scales, 1e-5))


def packed(array, dtype):
    return base64.b64encode(np.ascontiguousarray(array.astype(dtype)).tobytes()).decode()


def entry(weights, codes, scales, group, gram, columns=None):
    columns = np.ones(COLUMNS) if columns is None else columns
    stored = dequantize(codes, scales, group) / columns
    return {"codes": packed(codes, np.int8), "scales": packed(scales, np.float64),
            "error": output_error(stored - weights, gram)}


def main():
    sizes = np.exp(1.5 * random.standard_normal(COLUMNS))
    mix = np.eye(COLUMNS) + random.standard_normal((COLUMNS, COLUMNS)) / np.sqrt(COLUMNS)
    inputs = random.standard_normal((TOKENS, COLUMNS)) @ mix.T * sizes
    inputs[:, 7] = 0  # a column that is never given anything
    linears = [(0.05 * random.standard_normal((rows, COLUMNS))).astype(np.float32).astype(np.float64) for rows in ROWS]
    gram, mean_abs, amax = inputs.T @ inputs, np.abs(inputs).mean(axis=0), np.abs(inputs).max(axis=0)
    norm = (1 + 0.1 * random.standard_normal(COLUMNS)).astype(np.float32).astype(np.float64)

    cases = {}
    for order in ["natural", "activation"]:
        solved = [gptq(weights, gram, 4, GROUP, order == "activation") for weights in linears]
        cases[f"gptq-{order}"] = [entry(w, *s, GROUP, gram) for w, s in zip(linears, solved)]
    columns, solved = awq(linears, gram, mean_abs, 4, GROUP)
    cases["awq"] = [entry(w, *s, GROUP, gram, columns) for w, s in zip(linears, solved)]
    smoothed = smooth(linears, amax, 0.5)
    solved = [round_all(weights * smoothed, 8, COLUMNS) for weights in linears]
    cases["smoothquant"] = [entry(w, *s, COLUMNS, gram, smoothed) for w, s in zip(linears, solved)]
    oracle = {
        "versions": {"numpy": np.__version__}, "columns": COLUMNS, "rows": ROWS, "group": GROUP,
        "weights": [packed(weights, np.float32) for weights in linears],
        "gram": packed(gram, np.float64), "meanAbs": packed(mean_abs, np.float64), "amax": packed(amax, np.float64),
        "norm": packed(norm, np.float32),
        "cases": cases,
        "folded": {"awq": packed(norm / columns, np.float64), "smoothquant": packed(norm / smoothed, np.float64)},
        "rounded": [entry(w, *round_all(w, 4, GROUP), GROUP, gram)["error"] for w in linears],
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(oracle) + "\n")
    for name, found in cases.items():
        print(name, [one["error"] for one in found], "rounded", oracle["rounded"])


main()
