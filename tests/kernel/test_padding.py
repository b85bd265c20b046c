"""Lists of many lengths share one text of a statement."""

import pytest

from app.kernel.db import padded


@pytest.mark.parametrize(("given", "sent"), [([], []), ([7], [7]), ([1, 2, 3], [1, 2, 3, 3]), (["a", "b"], ["a", "b"]), (list(range(5)), [0, 1, 2, 3, 4, 4, 4, 4])])
def test_a_list_is_filled_with_its_last_value_up_to_a_power_of_two(given, sent):
    assert padded(given) == sent
