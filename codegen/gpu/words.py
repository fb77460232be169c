"""The words that every GPU kernel uses itself, and that no name of a spec may be given in one."""

WORDS = frozenset(
    """
    sgl team launch params tile tile_begin tile_end turn turns step chunk is_aligned index_t exchange
    group groups thread_index term is_full SGL_UNROLL
    """.split()
)
