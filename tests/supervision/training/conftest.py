from tests.training import training_database

__all__ = ["training_database"]
