"""Metrics in the shape of docs/evaluation.md, made up by hand: every part of the report has something to show."""

from __future__ import annotations

from typing import Any

LEVELS = ("chapter", "block", "L0", "L1", "L2", "L3", "L4", "L4_identical")


def _micro(f1: float) -> dict[str, Any]:
    precision, recall = f1 + 0.04, f1 - 0.03
    return {
        "hits": round(400 * recall),
        "predicted": 380,
        "gold": 400,
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "interval": {
            "precision": [precision - 0.05, precision + 0.04],
            "recall": [recall - 0.05, recall + 0.04],
            "f1": [f1 - 0.05, f1 + 0.04],
        },
    }


def _level(f1: float) -> dict[str, Any]:
    parts = {"precision": f1 + 0.01, "recall": f1 - 0.01, "f1": f1}
    return {
        "micro": _micro(f1),
        "macro": {"charts": 60, **parts, **{f"{name}_se": 0.021 for name in parts}},
        "weighted": {"codes": 90, "cases": 400, **parts, **{f"{name}_sd": 0.3 for name in parts}},
        "unweighted": {"codes": 90, **{name: value - 0.1 for name, value in parts.items()}},
        "can_differ": 0.61,
    }


def _slice(key: str, f1: float, **more: Any) -> dict[str, Any]:
    figures = {"precision": f1 + 0.02, "recall": f1 - 0.02, "f1": f1}
    lower = {name: value - 0.05 for name, value in figures.items()}
    return {
        "key": key,
        "gold": 120,
        "predicted": 110,
        "levels": {"L0": figures, "L3": figures, "L4": lower},
        **more,
    }


def metrics() -> dict[str, Any]:
    levels = {name: _level(0.86 - 0.05 * step) for step, name in enumerate(LEVELS)}
    categories = [
        {"category": f"I{10 + n}", "cases": 10 + 3 * n, "f1": 0.6 + 0.01 * (n % 12)} for n in range(30)
    ] + [{"category": "R54", "cases": 14, "f1": 0.05}]
    return {
        "schema": 1,
        "options": {"resamples": 1000, "seed": 20260401, "domains": ["frailty"], "release": "2026-04"},
        "undefined": {"expert.approve_and_add": "no gold code says whether it was a label or an addition"},
        "charts": {
            "total": 60,
            "patients": 58,
            "gold_codes": 400,
            "predicted_codes": 380,
            "codes_per_chart": 6.67,
            "predicted_per_chart": 6.33,
            "optional_left_out": 12,
            "rejected_labels": 31,
            "other_systems": 0,
            "predictions_without_gold": 0,
        },
        "levels": levels,
        "optional_counted": {"levels": levels},
        "domain_filter": {
            "domains": ["advanced_illness", "frailty", "sdoh"],
            "levels": levels,
            "by_domain": {
                name: {"codes": 40, "levels": levels} for name in ("advanced_illness", "frailty", "sdoh")
            },
        },
        "expert": {"approve_only": {"filtered": levels, "unfiltered": levels}, "approve_and_add": None},
        "by": {
            "domain": [_slice("frailty", 0.6, charts=20)],
            "setting": [_slice("inpatient", 0.55, charts=30), _slice("outpatient", 0.65, charts=30)],
            "specialty": [],
            "length": [_slice("1-25", 0.7, charts=12), _slice("26-50", 0.6, charts=48)],
            "chapter": [
                _slice("I00-I99", 0.64, title="Diseases of the circulatory system <&>"),
                _slice("E00-E89", 0.6, title="Endocrine, nutritional and metabolic diseases"),
            ],
            "block": [],
            "seen": [_slice("seen", 0.66), _slice("unseen", 0.31)],
            "frequency": [
                _slice("0", 0.31),
                _slice("1-9", 0.45),
                _slice("10-99", 0.6),
                _slice("100-999", 0.7),
            ],
        },
        "training": {
            "categories": [
                {"category": row["category"], "training": 7 * n, "cases": row["cases"], "f1": row["f1"]}
                for n, row in enumerate(categories)
            ]
        },
        "procedures": {
            "cpt": {
                "charts_with_gold": 20,
                "exact_set": {
                    "hits": 12,
                    "predicted": 18,
                    "gold": 20,
                    "precision": 0.667,
                    "recall": 0.6,
                    "f1": 0.632,
                },
                "codes": {
                    "hits": 15,
                    "predicted": 20,
                    "gold": 24,
                    "precision": 0.75,
                    "recall": 0.625,
                    "f1": 0.682,
                },
            },
            "hcpcs": {"exact_set": {"gold": 0, "predicted": 0}, "codes": {"gold": 0, "predicted": 0}},
        },
        "evidence": {
            "codes": 240,
            "jaccard": 0.61,
            "jaccard_se": 0.02,
            "shared": 0.9,
            "identical": 0.44,
            "lines_cited": {
                "mean": 1.6,
                "median": 1,
                "above_five_share": 0.01,
                "histogram": {"0": 0, "1": 150, "2": 60, "3": 20, "4": 6, "5": 2, "6+": 2},
            },
            "gold_lines": {
                "mean": 1.9,
                "median": 2,
                "above_five_share": 0.02,
                "histogram": {"0": 3, "1": 120, "2": 80, "3": 22, "4": 10, "5": 3, "6+": 2},
            },
        },
        "response": {"without_valid_prediction": 2, "share": 0.033},
        "discarded": {"total": 9, "share": 0.02, "by_reason": {"fabricated": 1, "header": 8}},
        "traps": {
            "total": 40,
            "predicted": 3,
            "share": 0.075,
            "by_kind": {
                "negated": {"total": 20, "predicted": 1},
                "family_history": {"total": 20, "predicted": 2},
            },
        },
        "outliers": {
            "L3": {
                "categories": categories,
                "q1": 0.62,
                "median": 0.65,
                "q3": 0.69,
                "low_fence": 0.515,
                "high_fence": 0.795,
                "below": ["R54"],
                "above": [],
            }
        },
        "calibration": {
            "ece": 0.07,
            "brier": 0.17,
            "bins": [
                {
                    "low": n / 10,
                    "high": (n + 1) / 10,
                    "count": 10 * n,
                    "confidence": n / 10 + 0.05 if n else None,
                    "correct": max(0.0, n / 10 - 0.02) if n else None,
                }
                for n in range(10)
            ],
        },
        "risk_coverage": {
            "area": 0.21,
            "points": [
                {"threshold": 1 - n / 20, "coverage": n / 20, "risk": 0.1 + 0.015 * n} for n in range(1, 21)
            ],
        },
        "thresholds": [
            {
                "threshold": n / 10,
                "per_chart": 6.3 - 0.5 * n,
                "L3": {"precision": 0.6 + 0.03 * n, "recall": 0.7 - 0.06 * n, "f1": 0.65 - 0.02 * n},
                "L4": {"f1": 0.6 - 0.02 * n},
            }
            for n in range(11)
        ],
        "coding": {
            "principal": {"accuracy": 0.71, "first_in_order": 0.5},
            "sequence": {"tau": 0.4},
            "poa": {"accuracy": None},
            "changes": {
                "no_change": 0.1,
                "no_change_with_evidence": 0.05,
                "unsupported": {"per_chart": 2.1, "major": {"per_chart": 0.9}},
                "missed": {"per_chart": 2.6, "major": {"per_chart": 1.2}},
            },
            "grouping": {"value": None, "reason": "not measured"},
        },
        "comparison": {
            "levels": {
                "L3": {
                    "micro_f1": {
                        "a": 0.61,
                        "b": 0.58,
                        "difference": 0.03,
                        "low": -0.01,
                        "high": 0.07,
                        "p": 0.12,
                    },
                    "macro_f1": {
                        "a": 0.6,
                        "b": 0.57,
                        "difference": 0.03,
                        "low": -0.02,
                        "high": 0.08,
                        "p": 0.2,
                    },
                }
            },
            "mcnemar": {
                "codes": {"both": 220, "only_a": 30, "only_b": 20, "neither": 130, "p": 0.2},
                "charts": {"both": 4, "only_a": 3, "only_b": 2, "neither": 51, "p": 1.0},
            },
        },
    }


def knowledge() -> dict[str, Any]:
    return {
        "tasks": {
            "medqa": {
                "title": "MedQA, four options",
                "questions": 1273,
                "before": {"accuracy": 0.741, "se": 0.012},
                "after": {"accuracy": 0.733, "se": 0.012},
            }
        }
    }
