"""Learning from candidate sets: several classes an image, one of them right.

Losses and the alignment with zero-shot predictions follow arXiv 2407.07638 as its public code
(github.com/zhangzf01/CoOpPLL) computes them. Shapes here: N images, C classes; `mask_NC` is True
where a class is a candidate, and every row has at least one.
"""
