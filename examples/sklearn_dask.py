"""Search the settings of a self-paced classifier on a Dask cluster, here one in this process."""

import numpy as np
from dask.distributed import Client, LocalCluster
from joblib import parallel_config
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from selfpaced.age import Auto, Quantile
from selfpaced.pacing import Ramp
from selfpaced.sklearn import SelfPacedClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
random = np.random.default_rng(0)
wrong = random.random(len(y_train)) < 0.4
y_train = np.where(wrong, (y_train + random.integers(1, 10, len(y_train))) % 10, y_train)

model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
ages = [None, Auto(), Quantile(Ramp(0.3, 0.9, steps=5))]
search = GridSearchCV(SelfPacedClassifier(model), {"age": ages}, cv=3)

# For a cluster of your own use Client("tcp://its-scheduler:8786"), without a LocalCluster.
cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None)
with cluster, Client(cluster), parallel_config(backend="dask"):
    search.fit(X_train, y_train)

print(f"best age {search.best_params_['age']}")
print(f"accuracy {search.score(X_test, y_test):.1%}")
suspects = search.best_estimator_.suspects_[:100]
print(f"of the first 100 suspects {wrong[suspects].mean():.0%} are mislabeled")
