from pumpd.contract.roles import MAY_ASK, Role
from pumpd.contract.verbs import VERBS


def test_each_verb_of_the_daemon_names_the_roles_that_may_ask_for_it() -> None:
    """A new verb without a row fails here; a viewer may ask for nothing, and nobody's role covers all."""
    assert set(MAY_ASK) == set(VERBS)
    assert all(MAY_ASK.values())
    for role in Role:
        allowed = {verb for verb, roles in MAY_ASK.items() if role in roles}
        assert allowed != set(VERBS), role
    assert not any(Role.VIEWER in roles or Role.ADMIN in roles for roles in MAY_ASK.values())
