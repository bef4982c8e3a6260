from bench.benchmark import find_cases


def test_benchmarks_have_names_of_their_own() -> None:
    names = [name for benchmarks in find_cases().values() for name in benchmarks]
    assert {"text_step_ratio", "rescore_vs_numpy", "select_1m_coverage_seconds"} <= set(names)
    assert len(names) == len(set(names))
