"""A small neural network that reads digits. This is the file that an agent may change."""

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

# Twenty rounds are a choice, not an accident.
warnings.filterwarnings("ignore", category=ConvergenceWarning)


def fit(X, y, *, seed):
    network = MLPClassifier(
        hidden_layer_sizes=(32,),
        learning_rate_init=0.001,
        batch_size=32,
        alpha=0.0001,
        max_iter=20,
        random_state=seed,
    )
    return make_pipeline(MinMaxScaler(), network).fit(X, y)


def predict(state, X):
    return state.predict_proba(X)
