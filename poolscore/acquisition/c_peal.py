"""C-PEAL's choice: entropy of a calibrated model, balanced by PCB (arXiv 2507.21521)."""

from poolscore.acquisition.entropy import Entropy
from poolscore.acquisition.pcb import Pcb


def c_peal() -> Pcb:
    """Entropy, the top 10 %, then PCB's sampler [B: IntelLabs/C_PEAL].

    The rule is `pcb_entropy`; what makes it C-PEAL is the model behind the probabilities, trained
    with its calibration loss. [C] The source adds 1e-6 inside the logarithm, the shared entropy
    here does not need it.
    """
    return Pcb("c_peal", Entropy())
