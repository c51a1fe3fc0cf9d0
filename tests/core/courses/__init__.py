"""For each condition of the catalogue its course: one without fails ``test_catalogue_courses``."""

from __future__ import annotations

from pumpd.core.conditions import ConditionId
from tests.core.courses import of_delivery, of_dose, of_infusion, of_node, of_pump, of_watching
from tests.core.courses.bed import Counted, Course, Node, NodeCourse

COURSES: dict[ConditionId, Course] = {
    **of_dose.COURSES,
    **of_delivery.COURSES,
    **of_infusion.COURSES,
    **of_pump.COURSES,
    **of_watching.COURSES,
}
NODE_COURSES: dict[ConditionId, NodeCourse] = {**of_watching.NODE_COURSES, **of_node.NODE_COURSES}


class Patient:
    """A condition's bed, pump or node, and its course, taken one part at a time."""

    def __init__(self, condition: ConditionId) -> None:
        self.condition = condition
        self.course: Course | NodeCourse
        if condition in NODE_COURSES:
            self.course = NODE_COURSES[condition]
            self.bed: Counted | Node = Node()
        else:
            self.course = COURSES[condition]
            self.bed = Counted(self.course.setup, to_come_nl=self.course.to_come_nl)
        self.take("before")

    def take(self, part: str) -> None:
        """Let a part of the course happen: before, breaks, nearly or ends."""
        for act in getattr(self.course, part):
            act(self.bed)
