"""What a class's drawings show, in Node.js: the podium, the piles, and what a network learns."""

from tests.drawings import DRAWINGS

MODULE = """
import { halves, hasMark, learnFrom, podium } from "./ui/recognizer/classroom.js";
import { PIXELS, frameStrokes } from "./ui/recognizer/framing.js";
import { predictStrokes } from "./ui/recognizer/recognizer.js";
"""
CROSSED = [*DRAWINGS[7], [[0.42, 0.5], [0.66, 0.5]]]
FLAGGED = [[[0.3, 0.35], [0.5, 0.2], [0.5, 0.8]]]


def on_wall(yes: int, confidence: float, **changes) -> dict:
    answer = {"digit": 2, "verdict": "sure", "confidence": confidence}
    drawing = {"label": 7, "asked": True, "votes": 10, "yes": yes, "answer": answer}
    return {**drawing, **changes}


def test_the_podium_is_of_three_by_votes_and_then_by_confidence(node):
    unsure = {"digit": 2, "verdict": "unsure", "confidence": 1}
    right = {"digit": 7, "verdict": "sure", "confidence": 1}
    drawings = [
        on_wall(6, 0.99),
        on_wall(5, 1),  # half of the class is not most of it
        on_wall(9, 0.97),
        on_wall(9, 0.98),
        on_wall(8, 0.96),
        on_wall(10, 1, answer=unsure),
        on_wall(10, 1, answer=right),
        on_wall(10, 1, asked=False),
    ]
    ((*best,),) = node(MODULE, "(drawings) => podium(drawings)", [drawings])
    assert [(each["yes"], each["answer"]["confidence"]) for each in best] == [
        (9, 0.98),
        (9, 0.97),
        (8, 0.96),
    ]


def test_bars_and_flags_are_guessed(node):
    cases = [[7, DRAWINGS[7]], [7, CROSSED], [1, DRAWINGS[1]], [1, FLAGGED]]
    found = node(MODULE, "([label, strokes]) => hasMark(label, strokes)", cases)
    assert found == [False, True, False, True]


def test_halves_share_nothing(node):
    assert node(MODULE, "(all) => halves(all)", [[1, 2, 3, 4, 5], []]) == [
        [[1, 3, 5], [2, 4]],
        [[], []],
    ]


def test_a_network_learns_its_sevens_from_the_drawings_that_it_is_given(node):
    """Each digit is one image, many times; the 7s are replaced by drawings of something else."""
    script = """({ strokes, own }) => {
        const labels = Uint8Array.from({ length: 800 }, (_, i) => i % 2 ? 7 : 1);
        const images = new Uint8Array(800 * PIXELS);
        labels.forEach((label, i) => images.set(frameStrokes(strokes[label]), i * PIXELS));
        const learning = learnFrom({ images, labels }, 7, own);
        let step = learning.next();
        while (!step.done) step = learning.next();
        return [strokes[7], strokes[1], strokes[0]].map((each) => predictStrokes(step.value, each))
            .map(({ digit, probabilities }) => [digit, probabilities[7] > 0.9]);
    }"""
    case = {"strokes": {str(digit): DRAWINGS[digit] for digit in (0, 1, 7)}}
    mnist, zeros = node(MODULE, script, [{**case, "own": []}, {**case, "own": [DRAWINGS[0]]}])
    assert mnist[:2] == [[7, True], [1, False]]
    assert zeros[1:] == [[1, False], [7, True]]  # it takes the 0 for a 7
    assert not zeros[0][1]  # and has never seen a 7
