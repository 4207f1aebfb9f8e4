"""Writes test/fixtures/goldens/solvers/oracle.json: what GPTQ, AWQ and SmoothQuant make of two small linears with one
input, computed in float64 by the formulas of the papers and in the most literal way (numpy 2 or later).

    python tools/goldens/make-solver-oracle.py

GPTQ (arXiv 2210.17323) here is the plain optimal-brain-surgeon recursion: after every column the inverse Hessian loses
that column by one step of Gaussian elimination. No Cholesky factor, no lazy batches. AWQ (arXiv 2306.00978): scales
mean|x|^ratio over 20 ratios, then limits of 1 to 0.5 times the largest magnitude for each group, both by the output
error; in `awq-rows` they go into the rows of a linear that is solved next. SmoothQuant (arXiv 2211.10438):
max|x|^alpha / max|w|^(1 - alpha).

Each runs on the grid that `restricted` names, with float32 scales, and GPTQ and AWQ as recipes run them as well: centred
and asymmetric, with float16 scales by whose stored value weights are divided.
"""
import base64
import json
import pathlib

import numpy as np

TARGET = pathlib.Path(__file__).resolve().parents[2] / "test" / "fixtures" / "goldens" / "solvers" / "oracle.json"
COLUMNS, TOKENS, GROUP = 48, 160, 16
ROWS = [24, 10]
random = np.random.default_rng(20261123)


class Grid:
    """How a group of values becomes codes of so many bits."""

    def __init__(self, bits, group, kind):
        self.bits, self.group, self.kind = bits, group, kind
        self.lowest, self.highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def rule(self, values):
        """Scale and zero point."""
        if self.kind == "asymmetric":
            return self.asymmetric(min(values.min(), 0.0), max(values.max(), 0.0))
        largest = np.abs(values).max()
        if self.kind == "restricted":
            return (largest / self.highest if largest > 0 else 1.0), 0.0
        return usable(stored(largest / ((2**self.bits - 1) / 2))), 0.0

    def asymmetric(self, low, high):
        """Every step in float16, as compressed-tensors does it in the dtype of weights and scales."""
        scale = stored(stored(high - low) / (self.highest - self.lowest))
        if scale == 0:
            return usable(scale), 0.0
        zero = stored(self.lowest - stored(low / scale))
        return scale, np.rint(np.clip(zero, self.lowest, self.highest))

    def codes(self, values, scale, zero):
        return np.clip(np.rint(values / scale + zero), self.lowest, self.highest)


def stored(number):
    return float(np.float16(number))


def usable(scale):
    return scale if scale != 0 else float(np.finfo(np.float16).eps)


class Solved:
    """Codes [rows, columns], scales and zero points [rows, groups]."""

    def __init__(self, shape, grid):
        self.grid = grid
        self.codes = np.zeros(shape)
        self.scales = np.ones((shape[0], shape[1] // grid.group))
        self.zeros = np.zeros_like(self.scales)

    def values(self):
        spread = [np.repeat(one, self.grid.group, axis=1) for one in (self.scales, self.zeros)]
        return (self.codes - spread[1]) * spread[0]


def round_all(weights, grid, limits=None):
    solved = Solved(weights.shape, grid)
    for row in range(weights.shape[0]):
        for g in range(solved.scales.shape[1]):
            part = slice(g * grid.group, (g + 1) * grid.group)
            values = weights[row, part]
            if limits is not None:
                values = np.clip(values, -limits[row, g], limits[row, g])
            scale, zero = grid.rule(values)
            solved.scales[row, g], solved.zeros[row, g] = scale, zero
            solved.codes[row, part] = grid.codes(values, scale, zero)
    return solved


def output_error(difference, gram):
    return float(np.einsum("ri,ij,rj->", difference, gram, difference))


def gptq(weights, gram, grid, activation_order, damp=0.01):
    n = weights.shape[1]
    diagonal = np.diag(gram).copy()
    hessian = gram.copy()
    dead = diagonal == 0
    weights = np.where(dead, 0.0, weights)
    hessian[dead, dead] = 1
    hessian += np.eye(n) * damp * np.where(dead, 1.0, diagonal).mean()
    order = np.argsort(-diagonal, kind="stable") if activation_order else np.arange(n)
    solved = round_all(weights, grid)
    rest, inverse = weights.copy(), np.linalg.inv(hessian)
    for column in order:
        g = column // grid.group
        if not activation_order and column % grid.group == 0:
            for row in range(weights.shape[0]):
                solved.scales[row, g], solved.zeros[row, g] = grid.rule(rest[row, column:column + grid.group])
        scale, zero = solved.scales[:, g], solved.zeros[:, g]
        solved.codes[:, column] = grid.codes(rest[:, column], scale, zero)
        error = (rest[:, column] - (solved.codes[:, column] - zero) * scale) / inverse[column, column]
        rest -= np.outer(error, inverse[column])
        rest[:, column] = 0
        inverse = inverse - np.outer(inverse[:, column], inverse[column]) / inverse[column, column]
        # Rows and columns already walked are exactly 0 by then, but for rounding.
        inverse[column, :] = 0
        inverse[:, column] = 0
    return solved


def awq_scales(linears, gram, mean_abs, grid):
    best, least = None, np.inf
    for k in range(20):
        scales = np.ones(COLUMNS) if k == 0 else np.maximum(mean_abs ** (k / 20), 1e-4)
        if k > 0:
            scales = scales / np.sqrt(scales.min() * scales.max())
        found = [round_all(weights * scales, grid).values() / scales - weights for weights in linears]
        error = sum(output_error(difference, gram) for difference in found)
        if error < least:
            best, least = scales, error
    return best


def awq_solve(weights, gram, columns, grid):
    """Rounded with the best limits, after the columns were multiplied by their scales."""
    scaled = weights * columns
    limits = np.zeros((weights.shape[0], COLUMNS // grid.group))
    for row in range(weights.shape[0]):
        for g in range(limits.shape[1]):
            part = slice(g * grid.group, (g + 1) * grid.group)
            values, block = scaled[row, part], gram[part, part] / np.outer(columns[part], columns[part])
            found = np.inf
            for shrink in range(11):
                limit = np.abs(values).max() * (1 - shrink / 20)
                cut = np.clip(values, -limit, limit)
                scale, zero = grid.rule(cut)
                difference = (grid.codes(cut, scale, zero) - zero) * scale - values
                error = difference @ block @ difference
                if error < found:
                    found, limits[row, g] = error, limit
    return round_all(scaled, grid, limits)


def smooth(linears, amax, alpha):
    largest = np.max([np.abs(weights).max(axis=0) for weights in linears], axis=0)
    scales = amax ** alpha / largest ** (1 - alpha)
    return np.where((amax == 0) | (largest == 0), 1.0, np.maximum(scales, 1e-5))


def packed(array, dtype):
    return base64.b64encode(np.ascontiguousarray(array.astype(dtype)).tobytes()).decode()


def entry(weights, solved, gram, columns=1.0):
    return {"codes": packed(solved.codes, np.int8), "scales": packed(solved.scales, np.float64),
            "zeros": packed(solved.zeros, np.int8), "error": output_error(solved.values() / columns - weights, gram)}


def main():
    sizes = np.exp(1.5 * random.standard_normal(COLUMNS))
    mix = np.eye(COLUMNS) + random.standard_normal((COLUMNS, COLUMNS)) / np.sqrt(COLUMNS)
    inputs = random.standard_normal((TOKENS, COLUMNS)) @ mix.T * sizes
    inputs[:, 7] = 0  # a column that is never given anything
    linears = [(0.05 * random.standard_normal((rows, COLUMNS))).astype(np.float32).astype(np.float64) for rows in ROWS]
    gram, mean_abs, amax = inputs.T @ inputs, np.abs(inputs).mean(axis=0), np.abs(inputs).max(axis=0)
    norm = (1 + 0.1 * random.standard_normal(COLUMNS)).astype(np.float32).astype(np.float64)

    before = (0.05 * random.standard_normal((COLUMNS, COLUMNS))).astype(np.float32).astype(np.float64)

    cases, folded, rounded = {}, {}, {}
    for kind in ["restricted", "centred", "asymmetric"]:
        grid = Grid(4, GROUP, kind)
        rounded[kind] = [entry(w, round_all(w, grid), gram)["error"] for w in linears]
        for order in ["natural", "activation"]:
            cases[f"gptq-{order}-{kind}"] = [
                entry(w, gptq(w, gram, grid, order == "activation"), gram) for w in linears]
        columns = awq_scales(linears, gram, mean_abs, grid)
        folded[f"awq-{kind}"] = packed(norm / columns, np.float64)
        cases[f"awq-{kind}"] = [entry(w, awq_solve(w, gram, columns, grid), gram, columns) for w in linears]
    grid = Grid(4, GROUP, "centred")
    columns = awq_scales(linears, gram, mean_abs, grid)
    divided = (before / columns[:, None]).astype(np.float32).astype(np.float64)
    cases["awq-rows"] = [
        *cases["awq-centred"], entry(divided, awq_solve(divided, gram, np.ones(COLUMNS), grid), gram)]
    grid = Grid(8, COLUMNS, "restricted")
    columns = smooth(linears, amax, 0.5)
    folded["smoothquant"] = packed(norm / columns, np.float64)
    cases["smoothquant"] = [entry(w, round_all(w * columns, grid), gram, columns) for w in linears]
    oracle = {
        "versions": {"numpy": np.__version__}, "columns": COLUMNS, "rows": ROWS, "group": GROUP,
        "weights": [packed(weights, np.float32) for weights in linears], "before": packed(before, np.float32),
        "gram": packed(gram, np.float64), "meanAbs": packed(mean_abs, np.float64), "amax": packed(amax, np.float64),
        "norm": packed(norm, np.float32),
        "cases": cases, "folded": folded, "rounded": rounded,
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(oracle) + "\n")
    for name, found in cases.items():
        print(name, [one["error"] for one in found])


main()
