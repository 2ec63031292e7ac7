"""Self-paced learning for scikit-learn: wrap an estimator, and it is fitted to the easy rows.

>>> from sklearn.linear_model import LogisticRegression
>>> model = SelfPacedClassifier(LogisticRegression())  # in place of LogisticRegression()
"""

from selfpaced._public import publish

try:
    from selfpaced.sklearn._classifier import SelfPacedClassifier
    from selfpaced.sklearn._regressor import SelfPacedRegressor
except ImportError as error:
    raise ImportError(
        f"selfpaced.sklearn needs scikit-learn ({error}). "
        f'Install it with: pip install "selfpaced[sklearn]"'
    ) from error

__all__ = ["SelfPacedClassifier", "SelfPacedRegressor"]

publish(__name__)
