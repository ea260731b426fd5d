"""The network that many tutorials begin with, whole: python docs/tutorial.py

784 pixels, three hidden layers of 64 units, ten digits; log_softmax, NLLLoss and Adam. Needs only
torch and torchvision, and takes about a minute.
"""

# %% MNIST: 60,000 images to learn from, 10,000 to be examined on
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

DATA = next((d for d in ("data", "../data") if Path(d).is_dir()), "data")
known = MNIST(DATA, train=True, download=True, transform=ToTensor())
unseen = MNIST(DATA, train=False, download=True, transform=ToTensor())
batches = DataLoader(known, batch_size=15, shuffle=True)


# %% The network
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(28 * 28, 64)
        self.fc2 = nn.Linear(64, 64)
        self.fc3 = nn.Linear(64, 64)
        self.fc4 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = F.relu(self.fc3(x))
        return F.log_softmax(self.fc4(x), dim=1)


# %% How many of the test images it reads right
def accuracy(net):
    right = 0
    with torch.no_grad():
        for x, y in DataLoader(unseen, batch_size=1000):
            right += (net(x.view(-1, 28 * 28)).argmax(1) == y).sum().item()
    return right / len(unseen)


# %% Training: forward, compare, backward, update
torch.manual_seed(0)
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=0.001)
print(f"untrained: {accuracy(net):.2%}")
for epoch in range(2):
    for x, y in batches:
        loss = F.nll_loss(net(x.view(-1, 28 * 28)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"after pass {epoch + 1}: {accuracy(net):.2%}")
