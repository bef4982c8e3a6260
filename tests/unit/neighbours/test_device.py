import faiss

from poolscore.cores import cores
from poolscore.neighbours.device import all_cores, on_gpu


def test_faiss_has_all_cores_in_the_block_only() -> None:
    before: int = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        with all_cores():
            assert faiss.omp_get_max_threads() == cores()
        assert faiss.omp_get_max_threads() == 1
    finally:
        faiss.omp_set_num_threads(before)


def test_without_a_gpu_an_index_stays_where_it_is() -> None:
    index = faiss.IndexFlatIP(4)
    assert (on_gpu(index) is index) == (faiss.get_num_gpus() == 0)
