#!/usr/bin/env python3
"""Fits the three polynomials of src/cpu/kernels/math-inl.h and prints their coefficients, lowest power first.

erf:    erf(x) / x as a polynomial in x^2, for |x| <= 1.
erfcx:  exp(x^2) erfc(x) / t as a polynomial in t = 1 / (1 + x / 2), for 0 <= x <= 10.2 (beyond it, erfc is 0 in f32).
gelu:   Phi(-z)^(-1/4), where Phi is the normal distribution, as a polynomial in z for 0 <= z <= 6, with the least absolute error of z Phi(-z).

Weighted least squares at Chebyshev nodes, where the weights make the error relative (of gelu: absolute in what it is for); repeated with weights raised where the error is large
(Lawson's algorithm), which leads to the minimax polynomial. Needs numpy and mpmath.
"""
import mpmath
import numpy as np


def fit(function, low, high, degree, rounds=60, nodes=400, importance=lambda x: 1.0):
    x = (low + high) / 2 + (high - low) / 2 * np.cos(np.pi * (np.arange(nodes) + 0.5) / nodes)
    y = np.array([float(function(v)) for v in x])
    matters = np.array([float(importance(v)) for v in x])
    weight = np.ones(nodes) / nodes
    basis = np.polynomial.chebyshev.Chebyshev.basis
    scaled = (2 * x - low - high) / (high - low)
    matrix = np.stack([basis(i)(scaled) for i in range(degree + 1)], axis=1) * (matters / y)[:, None]
    best, best_error = None, np.inf
    for _ in range(rounds):
        root = np.sqrt(weight)
        solution = np.linalg.lstsq(matrix * root[:, None], matters * root, rcond=None)[0]
        error = np.abs(matrix @ solution - matters)
        if error.max() < best_error:
            best, best_error = solution, error.max()
        weight = weight * error
        weight /= weight.sum()
    series = np.polynomial.chebyshev.Chebyshev(best, domain=[low, high]).convert(kind=np.polynomial.Polynomial, domain=[-1, 1], window=[-1, 1])
    return series.coef, best_error


def show(name, result):
    coefficients, error = result
    print(f"{name}: largest error {error:.1e}")
    print(", ".join(f"{c:.9g}f" for c in coefficients))


mpmath.mp.dps = 30
show("erf", fit(lambda s: mpmath.erf(mpmath.sqrt(s)) / mpmath.sqrt(s) if s > 0 else 2 / mpmath.sqrt(mpmath.pi), 0.0, 1.0, 6))


def scaled_erfc(t):
    x = 2 * (1 / mpmath.mpf(t) - 1)
    return mpmath.exp(x * x) * mpmath.erfc(x) / t


show("erfcx", fit(scaled_erfc, 1 / (1 + 10.2 / 2), 1.0, 9))


def below(z):
    return mpmath.erfc(z / mpmath.sqrt(2)) / 2


# Near 0 and far out, a little more than its part in the product, so that the polynomial stays tame.
show("gelu", fit(lambda z: below(z) ** -0.25, 0.0, 6.0, 13, rounds=200, nodes=500, importance=lambda z: max(4 * z * below(z), 1e-9) + 4e-3 * below(z)))
