"""Train a net of skorch on digits with wrong labels."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from skorch import NeuralNetClassifier
from torch import nn

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
random = np.random.default_rng(0)
wrong = random.random(len(y_train)) < 0.4
y_train = np.where(wrong, (y_train + random.integers(1, 10, len(y_train))) % 10, y_train)

torch.manual_seed(0)
net = NeuralNetClassifier(
    nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10)),
    criterion=nn.CrossEntropyLoss,
    optimizer=torch.optim.Adam,
    lr=3e-3,
    max_epochs=60,
    batch_size=64,
    iterator_train__shuffle=True,
    train_split=None,
    verbose=0,
)
net.fit(X_train, y_train)
print(f"accuracy {net.score(X_test, y_test):.1%}")
