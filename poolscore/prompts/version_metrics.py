"""Names of the metrics of a prompt version that others read, by the labels and images they need."""

HELD_OUT = "held_out"
"""Labels that were held out of its training; they give the next three."""
HELD_OUT_ACCURACY = "held_out_accuracy"
HELD_OUT_AUROC = "held_out_p_clean_auroc"
HELD_OUT_CALIBRATION_ERROR = "held_out_p_clean_calibration_error"
CHANGED_PREDICTIONS = "changed_predictions"
"""Share of the images of which its parent predicted another class."""
