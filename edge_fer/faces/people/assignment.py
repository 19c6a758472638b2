"""Who is who: the best pairing of two sets, given what each pair costs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

__all__ = ["assign"]

#: The owner of a free column.
NOBODY = -1


def assign(costs: Sequence[Sequence[float]], *, limit: float) -> list[tuple[int, int]]:
    """Pairs rows with columns so that the sum of costs is least, where being left alone costs `limit`.

    The optimum and not the nearest pair first, because where two people cross, the nearest pair is often the wrong
    one and leaves the right one impossible. The Hungarian method with potentials (Kuhn 1955; Jonker and Volgenant
    1987), in O(rows squared x columns): a millisecond or two for a crowd, and no need for scipy on a Pi.

    Args:
        costs: rows of equal length; what costs more than `limit`, or is not a number, is never paired.
        limit: what leaving a row or a column alone costs, above 0.

    Returns:
        (row, column) pairs, by rows.
    """
    near = [[column for column, cost in enumerate(row) if cost <= limit] for row in costs]
    wanted = Counter(column for some in near for column in some)
    # most people have one face near them, which is near nobody else; only the others are a question
    sure = [(row, some[0]) for row, some in enumerate(near) if len(some) == 1 and wanted[some[0]] == 1]
    open_rows = [row for row, some in enumerate(near) if len(some) > 1 or (some and wanted[some[0]] > 1)]
    open_columns = sorted({column for row in open_rows for column in near[row]})
    places = {column: place for place, column in enumerate(open_columns)}
    # each row has a column of its own to stay alone in, so that every row finds a place
    table = [[math.inf] * (len(open_columns) + len(open_rows)) for _ in open_rows]
    for place, row in enumerate(open_rows):
        for column in near[row]:
            table[place][places[column]] = costs[row][column]
        table[place][len(open_columns) + place] = limit
    owners = _cheapest(table)
    pairs = [(open_rows[owners[place]], column) for column, place in places.items() if owners[place] != NOBODY]
    return sorted(sure + pairs)


def _cheapest(table: list[list[float]]) -> list[int]:
    """The row that owns each column, or NOBODY, where every row owns one and all of them together cost least.

    Rows come in one by one. Each starts in a waiting room, one column more at the end, and pushes others along the
    cheapest path (found as Dijkstra does) that ends at a free column; the prices of rows and columns keep the costs
    left over from being negative.
    """
    width = len(table[0]) if table else 0
    waiting = width
    owners = [NOBODY] * (width + 1)
    row_prices = [0.0] * len(table)
    column_prices = [0.0] * (width + 1)
    for newcomer in range(len(table)):
        owners[waiting] = newcomer
        distance = [math.inf] * width
        came_from = [waiting] * width
        path_heads = [waiting]
        open_columns = set(range(width))
        column = waiting
        while owners[column] != NOBODY:
            row = owners[column]
            for other in open_columns:
                over = table[row][other] - row_prices[row] - column_prices[other]
                if over < distance[other]:
                    distance[other], came_from[other] = over, column
            nearest = min(open_columns, key=distance.__getitem__)
            step = distance[nearest]
            for head in path_heads:
                row_prices[owners[head]] += step
                column_prices[head] -= step
            for other in open_columns:
                distance[other] -= step
            open_columns.remove(nearest)
            path_heads.append(nearest)
            column = nearest
        while column != waiting:
            owners[column] = owners[came_from[column]]
            column = came_from[column]
    return owners[:width]
