"""Fit a classifier of scikit-learn to digits with wrong labels, self-paced."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from selfpaced.sklearn import SelfPacedClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
random = np.random.default_rng(0)
wrong = random.random(len(y_train)) < 0.4
y_train = np.where(wrong, (y_train + random.integers(1, 10, len(y_train))) % 10, y_train)

model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
model = SelfPacedClassifier(model)
model.fit(X_train, y_train)
print(f"accuracy {model.score(X_test, y_test):.1%}")
print(f"of the first 100 suspects {wrong[model.suspects_[:100]].mean():.0%} are mislabeled")
