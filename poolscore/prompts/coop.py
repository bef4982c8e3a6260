"""Plain CoOp, the learner that most of the field's tables fine-tune with."""

from poolscore.prompts.config import DualPromptConfig


def coop_config(class_specific: bool = True) -> DualPromptConfig:
    """Only a positive context, no adapter, cross-entropy (KaiyangZhou/CoOp with Dassl) [B].

    200 epochs of SGD at 0.002, batch 32, momentum 0.9, weight decay 5e-4, cosine; class-specific
    contexts as in PCB, CB and C-PEAL. Departs [C]: no epoch of warm-up at 1e-5, images are not
    augmented (their features are cached), steps are cut at 10,000.
    """
    return DualPromptConfig(
        class_specific=class_specific,
        warm_start_steps=0,
        anchor_weight=0.0,
        dual_weight=0.0,
        adapter_rank=0,
        optimizer="sgd",
        learning_rate=0.002,
        epochs=200,
        min_steps=1,
        max_steps=10_000,
        text_every=1,
        labelled_batch=32,
    )
