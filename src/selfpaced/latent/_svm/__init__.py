"""The latent structural SVM."""
