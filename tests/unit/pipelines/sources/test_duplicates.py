import pyarrow as pa

from pipelines.sources.duplicates import duplicate_rows
from pipelines.sources.schemas import INPUT_SCHEMA, REFUSED_SCHEMA


def test_addresses_of_more_than_two_gigabytes() -> None:
    """Every chunk has the same address, so that they share its memory."""
    long = pa.array(["x" * 100 * 2**20])
    source, none = pa.array(["s"]), pa.nulls(1, pa.string())
    inputs = pa.concat_tables(
        pa.table([pa.array([str(number)]), long, source, none], schema=INPUT_SCHEMA)
        for number in range(22)
    )
    assert len(duplicate_rows(inputs, *[REFUSED_SCHEMA.empty_table()] * 2)) == 0
    columns = [["7"], ["other"], ["s"], [None], [None], [None]]
    twin = pa.table([pa.array(each, pa.string()) for each in columns], schema=REFUSED_SCHEMA)
    assert duplicate_rows(inputs, twin, REFUSED_SCHEMA.empty_table())["id"].to_pylist() == ["7~2"]
